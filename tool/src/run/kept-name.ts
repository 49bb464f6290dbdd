import type { LayerId } from '../config/layer.ts';

/**
 * The name of a layer's image in local storage, which keeps `podman image prune` from taking what the next build starts from. Image names
 * are lower case; `a/b` and `a-b` share one, which the tag, a part of the recipe key, makes harmless.
 */
export function keptName(id: LayerId | string, recipeKey: string): string {
  const name = id
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
  return `localhost/layers-kept/${name === '' ? 'layer' : name}:${recipeKey.slice(0, 16)}`;
}
