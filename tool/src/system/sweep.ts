import { readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandFailure, type Exec } from './command.ts';
import { isContainerOf } from './container-name.ts';
import { endProcesses, findProcesses } from './processes.ts';

const GRACE_MS = 2000;
const ATTEMPTS = 5;
const PAUSE_MS = 200;

/** What was found of a dead run and is gone now. */
export interface Swept {
  readonly processes: number;
  readonly containers: readonly string[];
  readonly mounts: readonly string[];
}

/**
 * Removes what a run that died left behind, and only that: first its processes (they carry `LAYERS_RUN_ID`, or live in a
 * root below its temporary folder), then its containers by name, its mounts, and its temporary folder. The caller has
 * made sure that the run is dead.
 */
export async function sweepRun(
  runId: string,
  options: {
    readonly exec: Exec;
    /** Absolute folder of that run, above its TMPDIR; removed. */
    readonly temporary?: string;
    readonly graceMs?: number;
  },
): Promise<Swept> {
  const { exec, temporary } = options;
  const marks = { environment: `LAYERS_RUN_ID=${runId}`, ...(temporary === undefined ? {} : { below: temporary }) };
  let processes = 0;
  const find = () => {
    const found = findProcesses(marks);
    processes = Math.max(processes, found.length);
    return found;
  };
  await endProcesses(find, options.graceMs ?? GRACE_MS);
  const mounts = temporary === undefined ? [] : await unmountBelow(temporary, exec);
  const containers = await removeContainers(exec, { runId });
  if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  return { processes, containers, mounts };
}

/**
 * Removes the containers of a run, or of one layer in it; gives their names. Another program that removes a container of its own between
 * the listing and the look at it makes buildah fail: it is asked again.
 */
export async function removeContainers(
  exec: Exec,
  options: { readonly runId: string; readonly layer?: string },
): Promise<string[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await removeListed(exec, options);
    } catch (error) {
      if (attempt === ATTEMPTS || !(error instanceof CommandFailure) || error.reason !== 'exit') throw error;
      await sleep(PAUSE_MS * attempt);
    }
  }
}

async function removeListed(
  exec: Exec,
  { runId, layer }: { readonly runId: string; readonly layer?: string },
): Promise<string[]> {
  const buildah = (...args: string[]) => exec('buildah', args, { quiet: true });
  // With those that a failed or killed `buildah from` did not come to make its own.
  const { stdout } = await buildah('containers', '--all', '--json');
  // Without containers it prints `null` or nothing.
  const listed = (JSON.parse(stdout.trim() || 'null') ?? []) as { containername: string }[];
  const names = listed.map((entry) => entry.containername).filter((name) => isContainerOf(name, runId, layer));
  if (names.length > 0) await buildah('rm', '--', ...names);
  return names;
}

/** Removes containers by name; one that is not there is no failure. */
export async function removeNamed(names: readonly string[], exec: Exec): Promise<void> {
  for (const name of names) {
    try {
      await exec('buildah', ['rm', '--', name], { quiet: true });
    } catch (error) {
      const isGone =
        error instanceof CommandFailure && /not known|no such container/i.test(error.result.tail.join('\n'));
      if (!isGone) throw error;
    }
  }
}

/** A killed `buildah run` leaves mounts below its TMPDIR: the root with all that was mounted in it. Gives what was mounted there. */
export async function unmountBelow(folder: string, exec: Exec): Promise<string[]> {
  const mounts = await mountsBelow(folder);
  for (const mount of mounts.toReversed()) {
    await exec('umount', ['--lazy', '--', mount], { quiet: true, accept: [0, 1, 32] });
  }
  return mounts;
}

/** Mount points below `folder`, in the order they were made. */
async function mountsBelow(folder: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const points = lines.map((line) => unescapeOctal(line.split(' ')[4] ?? ''));
  return points.filter((point) => point.startsWith(`${folder}/`));
}

/** `/proc` writes space, tab, newline and backslash in octal. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
