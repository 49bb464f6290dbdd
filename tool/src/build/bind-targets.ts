import { chmod, readFile, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import type { BuildTarget } from './builder.ts';
import { statInRoot } from './root-files.ts';

/** What `buildah run` mounts over, and makes first (empty, with mode 0755) in a root that has none. */
const BIND_TARGETS = ['etc/hostname', 'etc/hosts', 'etc/resolv.conf'];
/** The same of folders, which stay: as root of a container their mode is sticky, and the image another one. */
const BIND_FOLDERS = ['dev', 'proc', 'run', 'sys'];
const STICKY = 0o1000;

/** Does the work and then removes the empty files that were not there before it, and that the layer did not copy there. */
export async function withoutBindTargets({ layer, mountPoint }: BuildTarget, work: () => Promise<void>): Promise<void> {
  const before = new Set<string>();
  for (const file of [...BIND_TARGETS, ...BIND_FOLDERS])
    if ((await statInRoot(mountPoint, file)) !== undefined) before.add(file);
  await work();
  for (const file of BIND_TARGETS) {
    const stats = before.has(file) || isCopied(layer, `/${file}`) ? undefined : await statInRoot(mountPoint, file);
    // The last name of the path is removed itself, whatever it is, and no link leads to it.
    if (stats?.isFile() && (await readFile(path.join(mountPoint, file))).length === 0) {
      await unlink(path.join(mountPoint, file));
    }
  }
  for (const folder of BIND_FOLDERS) {
    const stats = before.has(folder) ? undefined : await statInRoot(mountPoint, folder);
    if (stats?.isDirectory() && (stats.mode & STICKY) !== 0) {
      await chmod(path.join(mountPoint, folder), stats.mode & 0o777);
    }
  }
}

function isCopied({ copyfiles }: Layer, file: string): boolean {
  return copyfiles.some(({ src, dest }) =>
    [path.posix.join('/', dest), path.posix.join('/', dest, path.posix.basename(src))].includes(file),
  );
}
