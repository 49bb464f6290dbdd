import { readFile } from 'node:fs/promises';
import type { Exec } from '../system/command.ts';
import { fromOctal } from './extended-attributes.ts';
import { ownPart } from './own-part.ts';

/** Where a file was copied up from, and the like: notes of one mount, not what decides how layers lie on each other. */
const NOTES = '^user\\.overlay\\.(origin|impure|nlink)$';
/** Files of one call. */
const BATCH = 500;
const INITIAL_NAMESPACE = /^\s*0\s+0\s+4294967295\s*$/;

/**
 * Without root, overlayfs keeps its notes as `user.` attributes, which older buildah (1.28) writes into the layer like anybody's: the
 * image would differ from the one that root builds. Takes them away, right before the commit; nobody needs them after it. Throws
 * CommandFailure.
 * @param mountPoint the working container's root
 */
export async function removeOverlayNotes(mountPoint: string, exec: Exec): Promise<void> {
  const own = await ownPart(mountPoint);
  if (own === mountPoint || INITIAL_NAMESPACE.test(await readFile('/proc/self/uid_map', 'utf8'))) return;
  const args = ['-R', '-P', '-h', '-m', NOTES, '.'];
  const { stdout } = await exec('getfattr', args, { cwd: own, quiet: true, accept: [0, 1] });
  const files = new Map<string, string[]>();
  for (const block of stdout.split('\n\n')) {
    const [title, ...names] = block.split('\n');
    const path = title?.match(/^# file: (.*)$/)?.[1];
    const file = path === undefined ? undefined : Buffer.from(fromOctal(path), 'latin1').toString('utf8');
    // A name that is no text cannot be an argument; its note stays, which harms nobody.
    if (file === undefined || file.includes('\ufffd')) continue;
    for (const name of names.filter(Boolean)) files.set(name, [...(files.get(name) ?? []), file]);
  }
  for (const [name, all] of files) {
    for (let from = 0; from < all.length; from += BATCH) {
      const some = all.slice(from, from + BATCH);
      await exec('setfattr', ['-h', '-x', name, '--', ...some], { cwd: own, quiet: true });
    }
  }
}
