import { mkdir } from 'node:fs/promises';
import type { Layer } from '../../tool/src/config/layer.ts';
import { type BuiltImage, buildImage, type ParentImage } from '../../tool/src/run/build-image.ts';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import { createExec } from '../../tool/src/system/exec.ts';
import type { BuildPlace } from './build-layer.ts';
import { recordingWorkspace } from './publish-workspace.ts';

/** Makes and commits an image of a layer by `run/`'s own steps, without keys and records; the working container is removed. */
export async function buildCommitted(
  layer: Layer,
  parent: 'scratch' | BuiltImage,
  { storage, root, caches }: BuildPlace,
  files: Readonly<Record<string, string>> = {},
): Promise<BuiltImage> {
  const exec = createExec({ env: storage.env, umask: 0o022 });
  const made = await recordingWorkspace(storage.folder, { exec });
  const buildah = createBuildah(exec, {
    isolation: 'chroot',
    runId: 'test',
    layer: layer.id,
    temporary: made.temporary,
  });
  const names: string[] = [];
  const from: typeof buildah.from = async (...args) => {
    const name = await buildah.from(...args);
    names.push(name);
    return name;
  };
  await mkdir(caches, { recursive: true });
  const workspace = { ...made, buildah: { ...buildah, from }, root, caches };
  const on: ParentImage =
    parent === 'scratch'
      ? { from: 'scratch', isExternal: false, inheritedLabels: {} }
      : { from: parent.image.id, isExternal: false, inheritedLabels: parent.inheritedLabels };
  try {
    return await buildImage(layer, on, files, new Map(), workspace);
  } finally {
    for (const name of names) await buildah.remove(name);
  }
}
