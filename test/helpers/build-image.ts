import { mkdir } from 'node:fs/promises';
import { stepVersionOf } from '../../tool/src/build/versions.ts';
import type { Layer } from '../../tool/src/config/layer.ts';
import { combineRecipe, type Recipe } from '../../tool/src/recipe/recipe.ts';
import { type BuiltImage, buildImage } from '../../tool/src/run/build-image.ts';
import { type LayerCheckpoints, layerCheckpoints } from '../../tool/src/run/checkpoints.ts';
import type { ParentImage } from '../../tool/src/run/start-container.ts';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import { createExec } from '../../tool/src/system/exec.ts';
import type { Workspace } from '../../tool/src/system/workspace.ts';
import type { BuildPlace } from './build-layer.ts';
import { recordingWorkspace } from './publish-workspace.ts';

const NOTHING_KEPT: LayerCheckpoints = {
  ground: { parent: { kind: 'scratch' } },
  find: async () => undefined,
  keep: async () => undefined,
  forget: async () => undefined,
};

/**
 * Makes and commits an image of a layer by `run/`'s own steps, without keys and records; the working container is removed. In parts, as
 * in a tree, and by `kept` from what it kept before; or `undivided`.
 */
export async function buildCommitted(
  layer: Layer,
  parent: 'scratch' | BuiltImage,
  { storage, root, caches }: BuildPlace,
  files: Readonly<Record<string, string>> = {},
  parts: 'kept' | 'none kept' | 'undivided' = 'none kept',
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
    const checkpoints = parts === 'kept' ? keptIn(layer, on, files, workspace) : NOTHING_KEPT;
    const inputs = { files, staged: new Map(), ...(parts !== 'undivided' && { checkpoints }) };
    return await buildImage(layer, { parent: on }, inputs, workspace);
  } finally {
    for (const name of names) await buildah.remove(name);
  }
}

function keptIn(layer: Layer, { from }: ParentImage, files: Recipe['files'], workspace: Workspace): LayerCheckpoints {
  const settings = layer.recipe as Recipe['settings'];
  const stepVersion = stepVersionOf(layer);
  const parent = { kind: 'scratch' } as const;
  const recipe = combineRecipe({ stepVersion, architecture: '', settings, tools: {}, environment: {}, files, parent });
  const ground = { parent, image: from };
  const use = { id: layer.id, tree: workspace.root, ground, stepVersion, recipe, keyFiles: [], starts: true };
  return layerCheckpoints({ ...use, isYoungEnough: () => true, areUnchanged: async () => true }, workspace);
}
