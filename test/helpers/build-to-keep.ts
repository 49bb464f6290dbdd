import type { ContentDigest, Recipe, RecipeKey } from '../../tool/src/recipe/recipe.ts';
import type { ToKeep } from '../../tool/src/records/memory.ts';
import { layer } from './layers.ts';

/** A build of the image with this id; `key` and `content` are hex digits that are repeated. */
export function buildToKeep(image: string, { key = 'a', content = 'c' } = {}): ToKeep {
  const settings = { packages: ['a'] };
  return {
    recipeKey: key.repeat(64).slice(0, 64) as RecipeKey,
    content: `sha256:${content.repeat(64)}` as ContentDigest,
    image: { local: { id: image, graphRoot: '/graph', driver: 'overlay', size: 1 } },
    inheritedLabels: { from: 'ä parent' },
    builtAt: '2026-01-02T03:04:05.678Z',
    lastBuiltAt: '2026-02-02T03:04:05.678Z',
    durationMs: 1234,
    repositories: { 'http://mirror.example/InRelease': `sha256:${'0'.repeat(64)}` },
    layer: layer('site/one'),
    recipe: { version: 2, stepVersion: 1, architecture: 'amd64', settings } as unknown as Recipe,
  };
}
