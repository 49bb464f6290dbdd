import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process as `/proc` shows it. `started` (clock ticks since boot) tells it from a later one with the same pid. */
export interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly started: string;
}

/**
 * What makes a process ours. It may have left its group and session (`setsid`) and its parent (a double fork), and
 * inside a container it has another environment, so several marks are looked for.
 */
export interface ProcessMarks {
  /** `NAME=value` in the environment it was started with. */
  readonly environment?: string;
  /** It, its group, its session, and all that descend from it. */
  readonly leader?: number;
  /** Target of one of its open files, as in `/proc/PID/fd` (`socket:[4711]`). */
  readonly openFile?: string;
  /** Its root or working folder lies here: a process inside a container whose mounts are below. */
  readonly below?: string;
}

/** A FUSE file system's server outlives by design the command that mounted it; unmounting ends it. */
const SERVERS = /^(fuse-overlayfs|fusermount3?|squashfuse|bindfs)/;

/** All processes that carry one of the marks, and their descendants, this process excepted. */
export function findProcesses(marks: ProcessMarks): ProcessEntry[] {
  const all = listProcesses();
  const found = new Map<number, ProcessEntry>();
  for (const entry of all) if (isMarked(entry, marks)) found.set(entry.pid, entry);
  addRelatives(all, found);
  const roots = foreignRoots(found.values());
  if (roots.size > 0) {
    for (const entry of all) if (roots.has(link(entry.pid, 'root') ?? '')) found.set(entry.pid, entry);
    addRelatives(all, found);
  }
  found.delete(process.pid);
  return [...found.values()].filter((entry) => !SERVERS.test(commandName(entry.pid)));
}

/** Whether any process of the group is left (zombies that nobody has waited for count). */
export function groupExists(group: number): boolean {
  return signalled(-group, 0);
}

/**
 * Ends what `find` gives: SIGTERM, and SIGKILL to those left after `graceMs`. `find` is called again until it gives
 * nothing, as processes fork meanwhile. Gives the processes that survived even that (stuck in the kernel).
 */
export async function endProcesses(
  find: () => readonly ProcessEntry[],
  graceMs: number,
): Promise<readonly ProcessEntry[]> {
  const deadline = performance.now() + graceMs;
  const known = new Map<string, ProcessEntry>();
  const terminated = new Set<string>();
  const left = () => {
    for (const entry of find()) known.set(`${entry.pid} ${entry.started}`, entry);
    for (const [key, entry] of known) if (!isAlive(entry)) known.delete(key);
    return [...known];
  };
  let alive = left();
  for (; alive.length > 0 && performance.now() < deadline; alive = left()) {
    for (const [key, entry] of alive) {
      if (terminated.has(key)) continue;
      terminated.add(key);
      signalled(entry.pid, 'SIGTERM');
    }
    await sleep(20);
  }
  for (let attempt = 0; alive.length > 0 && attempt < 100; attempt += 1, alive = left()) {
    for (const [, entry] of alive) signalled(entry.pid, 'SIGKILL');
    await sleep(20);
  }
  return alive.map(([, entry]) => entry);
}

/** The processes of this machine that can be read, kernel threads and zombies left out. */
export function listProcesses(): ProcessEntry[] {
  const entries: ProcessEntry[] = [];
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const entry = readEntry(pid);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** The target of a process's link (`fd/3`, `root`, `cwd`); undefined when it has gone or may not be read. */
export function link(pid: number, name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${name}`);
  } catch {
    return undefined;
  }
}

function readEntry(pid: number): ProcessEntry | undefined {
  const stat = read(pid, 'stat');
  // The name, in parentheses, may hold anything, parentheses too; the fields follow the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, parent, group, session] = fields;
  if (state === undefined || state === 'Z' || state === 'X' || session === undefined) return undefined;
  return { pid, parent: Number(parent), group: Number(group), session: Number(session), started: fields[19] ?? '' };
}

function isAlive(entry: ProcessEntry): boolean {
  return readEntry(entry.pid)?.started === entry.started;
}

function isMarked(entry: ProcessEntry, marks: ProcessMarks): boolean {
  const { environment, leader, openFile, below } = marks;
  if (leader !== undefined && (entry.pid === leader || entry.group === leader || entry.session === leader)) return true;
  if (environment !== undefined && `\0${read(entry.pid, 'environ')}`.includes(`\0${environment}\0`)) return true;
  if (openFile !== undefined && openFiles(entry.pid).includes(openFile)) return true;
  return (
    below !== undefined &&
    [link(entry.pid, 'root'), link(entry.pid, 'cwd')].some((place) => place?.startsWith(`${below}/`))
  );
}

function addRelatives(all: readonly ProcessEntry[], found: Map<number, ProcessEntry>): void {
  const children = Map.groupBy(all, (entry) => entry.parent);
  // Grows while it is gone through: a Map's iteration also visits what is added on the way.
  for (const pid of found.keys()) {
    for (const child of children.get(pid) ?? []) found.set(child.pid, child);
  }
}

/** Roots other than ours: containers. Each has a path of its own, so whoever has it is in the same container. */
function foreignRoots(entries: Iterable<ProcessEntry>): Set<string> {
  const roots = new Set<string>();
  for (const { pid } of entries) {
    const root = link(pid, 'root');
    if (root !== undefined && root !== '/' && root !== link(process.pid, 'root')) roots.add(root);
  }
  return roots;
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((name) => link(pid, `fd/${name}`) ?? '');
  } catch {
    return [];
  }
}

function commandName(pid: number): string {
  return read(pid, 'comm').trim();
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';
  }
}

function signalled(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}
