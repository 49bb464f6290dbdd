import { mkdtemp, open } from 'node:fs/promises';
import path from 'node:path';
import type { Workspace } from '../system/workspace.ts';
import { copyHashing, hashed } from './hashing.ts';
import { imageLayers } from './image-layers.ts';
import { chooseKernel, findKernels } from './kernels.ts';
import { readOsRelease } from './os-release.ts';
import type { BootArtefacts, BootFiles, LocalFile, PublishedImage } from './publisher.ts';
import { makeSquashfs } from './squashfs.ts';

/**
 * Boot artefacts of an image in local storage, made when first asked for and once for equal options. The files lie in the
 * workspace's temporary folder and live as long as it. The image itself is asked for no earlier: it may have to be pulled.
 */
export function createBootFiles(image: Pick<PublishedImage, 'local'>, workspace: Workspace): BootFiles {
  const made = new Map<string, Promise<BootArtefacts>>();
  return {
    make(squashfsOptions, bootKernel) {
      const key = JSON.stringify([squashfsOptions, bootKernel]);
      const known = made.get(key);
      if (known !== undefined) return known;
      const making = makeArtefacts(image, squashfsOptions, bootKernel, workspace);
      made.set(key, making);
      return making;
    },
  };
}

/** The committed image is what is squashed: a working container's own mount gives other files (its times are not clamped). */
async function makeArtefacts(
  image: Pick<PublishedImage, 'local'>,
  squashfsOptions: readonly string[],
  bootKernel: string,
  workspace: Workspace,
): Promise<BootArtefacts> {
  const folder = await mkdtemp(path.join(workspace.temporary, 'boot-'));
  const { buildah } = workspace;
  const container = await buildah.from(await image.local(), { pull: 'never' });
  try {
    const root = await buildah.mount(container);
    // What can be missing is looked for first: squashing takes minutes.
    const os = await readOsRelease(root);
    const { kernel: chosen, warnings } = chooseKernel(await findKernels(root, await imageLayers(root)), bootKernel);
    for (const warning of warnings) workspace.warn(warning);
    const kernel = await copyHashed(chosen.kernel, path.join(folder, 'kernel'));
    const initramfs = await copyHashed(chosen.initramfs, path.join(folder, 'initramfs'));
    const squashfs = path.join(folder, 'root.squashfs');
    await workspace.step('squashfs', () => makeSquashfs(root, squashfs, squashfsOptions, workspace));
    return {
      squashfs: await hashed(squashfs),
      kernelVersion: chosen.version,
      kernel,
      initramfs,
      initramfsName: chosen.initramfsName,
      osId: os.id,
      osVersion: os.version,
    };
  } finally {
    // The first failure is the one to tell; what stays behind carries the run's id and is swept.
    await buildah.remove(container).catch(() => undefined);
  }
}

async function copyHashed(source: string, target: string): Promise<LocalFile> {
  const output = await open(target, 'wx', 0o644);
  try {
    return { path: target, ...(await copyHashing(source, output)) };
  } finally {
    await output.close();
  }
}
