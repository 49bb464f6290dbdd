import type { Buildah } from './buildah.ts';

/** An image of local storage as skopeo finds it: buildah's own `--root` and `--runroot` have to be said in the reference. */
export async function storageReference(
  imageId: string,
  buildah: Pick<Buildah, 'globalArgs' | 'store'>,
): Promise<string> {
  const roots = new Map<string, string>();
  for (const [i, word] of buildah.globalArgs.entries()) {
    const match = /^--(root|runroot)(?:=(.*))?$/s.exec(word);
    if (match) roots.set(match[1] as string, match[2] ?? buildah.globalArgs[i + 1] ?? '');
  }
  if (roots.size === 0) return `containers-storage:${imageId}`;
  const { graphRoot, driver } = await buildah.store();
  const runRoot = roots.get('runroot');
  return `containers-storage:[${driver}@${graphRoot}${runRoot === undefined ? '' : `+${runRoot}`}]${imageId}`;
}
