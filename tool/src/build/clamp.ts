import { lstatSync, lutimesSync, readdirSync, type Stats } from 'node:fs';
import { setImmediate as others } from 'node:timers/promises';
import { patchCompiled, sourceOf } from './clamp-python.ts';
import { clampRpmDates } from './clamp-rpm.ts';
import { clampPasswordDates } from './clamp-shadow.ts';
import { removeDatedTraces } from './clamp-traces.ts';
import { clampZyppNotes } from './clamp-zypp.ts';
import { ownPart } from './own-part.ts';

export interface Clamping {
  /** Absolute; the mounted root, in which nothing runs meanwhile. */
  readonly root: string;
  /** Milliseconds since 1970: nothing that this build wrote is older. */
  readonly since: number;
  /** Seconds since 1970: the date of the parent image; absent for a root from nothing. */
  readonly parentDate?: number;
  /** Whether an entry of the root carries the time of a file of the tree, which is the checkout's and says nothing. */
  isCopied(stats: Stats): boolean;
  readonly signal: AbortSignal;
}

/** Zip, and Python's zipfile with it, refuses earlier times; what has no date at all gets this one. */
const EARLIEST = Date.UTC(1980, 0, 2) / 1000;
/** As in `content-digest.ts`: synchronous calls are several times cheaper, and others get their turn in between. */
const TURN_MS = 10;

/** What gets the date. */
interface Late {
  readonly path: Buffer;
  /** Seconds since 1970. */
  readonly mtime: number;
  readonly isFile: boolean;
}

/**
 * Makes the times of a build's own files equal for every machine and day that builds the same: the image's date is the newest of the parent's
 * and of all files that brought their own date (packages, archives); what this build wrote, and what was copied from the
 * tree, gets that date. Python's compiled files are told, and the days of new passwords follow. Only what differs from the parent
 * is looked at. Links are never followed. Gives the date in seconds since 1970.
 */
export async function clampTimes({ root, since, parentDate, isCopied, signal }: Clamping): Promise<number> {
  const own = await ownPart(root);
  await removeDatedTraces(root, own, since);
  await clampZyppNotes(root, own, since);
  const late: Late[] = [];
  const removed: Buffer[] = [];
  let date = Math.max(EARLIEST, parentDate ?? 0);
  await walk(own, signal, (path, stats) => {
    if (isWhiteout(stats)) {
      removed.push(path);
      return;
    }
    const mtime = Math.floor(stats.mtimeMs / 1000);
    if (stats.mtimeMs >= since || isCopied(stats)) late.push({ path, mtime, isFile: stats.isFile() });
    else date = Math.max(date, mtime);
  });
  await clampPasswordDates(root, own, { since, date });
  await clampRpmDates(root, own, { since, date });
  await setTimes(root, late, date);
  // Nobody sees them in the root, and yet an image layer holds their times.
  if (own !== root) for (const path of removed) setTime(Buffer.concat([Buffer.from(`${own}/`), path]), date);
  return date;
}

async function setTimes(root: string, late: readonly Late[], date: number): Promise<void> {
  const top = Buffer.from(`${root}/`);
  const sources = new Map<string, number>();
  for (const { path, mtime, isFile } of late) {
    if (isFile && endsWith(path, '.py')) sources.set(path.toString('latin1'), mtime);
  }
  let turn = performance.now();
  for (const { path, isFile } of late) {
    if (performance.now() - turn > TURN_MS) {
      await others();
      turn = performance.now();
    }
    const file = Buffer.concat([top, path]);
    // One that fits a late source is late itself.
    const source = isFile && endsWith(path, '.pyc') ? sourceOf(path.toString('latin1')) : undefined;
    const mtime = source === undefined ? undefined : sources.get(source);
    if (mtime !== undefined) patchCompiled(file, mtime, date);
    setTime(file, date);
  }
}

/** Every entry below `folder` and the folder itself (as an empty path), in no order. */
async function walk(folder: string, signal: AbortSignal, visit: (path: Buffer, stats: Stats) => void): Promise<void> {
  const top = Buffer.from(`${folder}/`);
  visit(Buffer.alloc(0), lstatSync(top));
  const folders: Buffer[] = [Buffer.alloc(0)];
  let turn = performance.now();
  for (let current = folders.pop(); current !== undefined; current = folders.pop()) {
    signal.throwIfAborted();
    for (const name of readdirSync(Buffer.concat([top, current]), { encoding: 'buffer' })) {
      if (performance.now() - turn > TURN_MS) {
        await others();
        turn = performance.now();
      }
      const path = Buffer.concat([current, name]);
      const stats = lstatSync(Buffer.concat([top, path]));
      visit(path, stats);
      if (stats.isDirectory()) folders.push(Buffer.concat([path, SLASH]));
    }
  }
}

const SLASH = Buffer.from('/');

/** How overlay says that something of the parent was removed. */
function isWhiteout(stats: Stats): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0;
}

function endsWith(path: Buffer, end: string): boolean {
  return path.subarray(-end.length).toString('latin1') === end;
}

/** An immutable file (`chattr +i`) keeps its time; a mark of fuse-overlayfs (`.wh.NAME`) is no file of the root. */
function setTime(file: Buffer, date: number): void {
  try {
    lutimesSync(file, date, date);
  } catch (error) {
    if (!/^(EPERM|ENOENT)$/.test((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
