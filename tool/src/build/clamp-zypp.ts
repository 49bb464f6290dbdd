import { lutimes, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { statInRoot } from './root-files.ts';

const FOLDER = 'var/lib/zypp';
/** Files with a comment that says when they were written. */
const DATED = ['AutoInstalled', 'RequestedLocales', 'HardLocks'].map((name) => `${FOLDER}/${name}`);
/** A random number by which a machine is counted; every machine of the image would have the same. zypper makes it again. */
const IDENTITY = `${FOLDER}/AnonymousUniqueId`;

/** zypper's notes of this build (`since`, milliseconds) without the hour of their writing. `own`: as in `ownPart`. */
export async function clampZyppNotes(root: string, own: string, since: number): Promise<void> {
  const isOurs = async (name: string) => {
    const stats = await statInRoot(own, name);
    return stats?.isFile() && stats.mtimeMs >= since ? stats : undefined;
  };
  if (await isOurs(IDENTITY)) await rm(join(root, IDENTITY));
  for (const name of DATED) {
    const stats = await isOurs(name);
    if (stats === undefined) continue;
    const file = join(root, name);
    const text = await readFile(file, 'utf8');
    const undated = text.replace(/^(# \w+ generated) .*$/m, '$1');
    if (undated === text) continue;
    await writeFile(file, undated);
    await lutimes(file, stats.atime, stats.mtime);
  }
}
