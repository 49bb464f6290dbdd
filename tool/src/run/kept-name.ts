import type { LayerId } from '../config/layer.ts';
import type { Checkpoint } from '../recipe/checkpoint.ts';

/**
 * The name of a layer's image in local storage, which keeps `podman image prune` from taking what the next build starts from. Image names
 * are lower case; `a/b` and `a-b` share one, which the tag, a part of the recipe key, makes harmless.
 */
export function keptName(id: LayerId | string, recipeKey: string): string {
  return `${keptRepository(id)}:${recipeKey.slice(0, 16)}`;
}

/** As `keptName`, for the image of a checkpoint. */
export function checkpointName({ layer, part, key }: Pick<Checkpoint, 'layer' | 'part' | 'key'>): string {
  return `localhost/layers-checkpoints/${imageName(layer)}:${part}-${key.slice(0, 16)}`;
}

function imageName(id: string): string {
  const name = id
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return name === '' ? 'layer' : name;
}

/** The name of all images of a layer, without their tags. */
export function keptRepository(id: LayerId | string): string {
  return `localhost/layers-kept/${imageName(id)}`;
}

/** Whether only this tool gives such names. */
export function isOwnName(name: string): boolean {
  return /^localhost\/layers-(kept|checkpoints)\//.test(name);
}
