import { constants, copyFile, link, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import path from 'node:path';
import { temporaryNameBeside } from '../system/files.ts';

/** Package files never change under their name: they are linked, and what is there is not written again. */
const PACKAGE = /\.(deb|rpm|drpm)$/;
/** Locks, files that are still coming in, and what a build put there for itself. */
const PASSING = /^(lock|partial|auxfiles|.*\.(pid|lock|tmp|conf|sh)|tempfiles\.json)$/;

/**
 * A package manager's cache for one build: builds at the same time would wait for, or trip over, each other's locks and
 * half-loaded files in a shared one. It begins with what earlier builds loaded (hard links where the file system allows)
 * and gives back what is new.
 */
export interface PackageCache {
  /** The build's own folder. */
  readonly folder: string;
  giveBack(): Promise<void>;
}

/** `shared` is made when it is not there; `folder` must not exist. */
export async function borrowCache(shared: string, folder: string): Promise<PackageCache> {
  await mkdir(shared, { recursive: true });
  await transfer(shared, folder);
  return { folder, giveBack: () => transfer(folder, shared) };
}

async function transfer(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (PASSING.test(entry.name)) continue;
    const [source, place] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) await transfer(source, place);
    else if (entry.isFile()) await put(source, place);
  }
}

/** By another name first, as another build may read, or put, the same file at this moment. */
async function put(source: string, place: string): Promise<void> {
  const isPackage = PACKAGE.test(place);
  const [theirs, ours] = await Promise.all([stat(source), stat(place).catch(() => undefined)]);
  if (ours !== undefined && ours.size === theirs.size && (isPackage || ours.mtimeMs === theirs.mtimeMs)) return;
  const temporary = temporaryNameBeside(place);
  try {
    if (!isPackage || !(await linked(source, temporary))) {
      await copyFile(source, temporary, constants.COPYFILE_FICLONE);
      // The time is what a server is asked about: changed since?
      await utimes(temporary, theirs.atime, theirs.mtime);
    }
    await rename(temporary, place);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** False where the two lie on different file systems. */
async function linked(source: string, place: string): Promise<boolean> {
  try {
    await link(source, place);
    return true;
  } catch {
    return false;
  }
}
