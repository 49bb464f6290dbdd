import { rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { resolveInRoot } from '../system/in-root.ts';
import type { BuildTarget } from './builder.ts';
import { renameCommands } from './dnf-history.ts';
import { statInRoot } from './root-files.ts';
import type { RootPrograms } from './root-programs.ts';

const HISTORY = 'var/lib/dnf/history.sqlite';
/** Folders above `place` that the image does not have yet, innermost first. */
export async function absentAbove(mountPoint: string, place: string): Promise<string[]> {
  const absent: string[] = [];
  for (let folder = path.dirname(place); folder !== '/'; folder = path.dirname(folder)) {
    if ((await resolveInRoot(mountPoint, folder)) === undefined) absent.push(folder);
  }
  return absent;
}

/**
 * Takes out of the image what a dnf from outside left of where it ran: its command line in the history (`words` stay instead), and
 * what it wrote by its own paths of log and cache while rpm was in the root, below its folder. `created`: the folders above,
 * if no package has them by now.
 */
export async function removeTraces(
  { mountPoint }: BuildTarget,
  programs: RootPrograms,
  { created, words }: { readonly created: readonly string[]; readonly words: string },
): Promise<void> {
  if ((await statInRoot(mountPoint, HISTORY))?.isFile()) {
    await renameCommands(path.join(mountPoint, HISTORY), programs.folder, words);
  }
  const inside = await resolveInRoot(mountPoint, programs.folder);
  if (inside !== undefined) await rm(inside, { recursive: true });
  for (const folder of created) {
    const found = await resolveInRoot(mountPoint, folder);
    if (found === undefined) continue;
    const { exitCode } = await programs.rpm(['-q', '--file', '--', folder], { quiet: true, accept: [0, 1] });
    // Not empty: something else is in it.
    if (exitCode !== 0) await rmdir(found).catch(() => undefined);
  }
}
