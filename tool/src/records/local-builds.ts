import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { KeptImage, KnownBuild } from '../recipe/known-build.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { decodeChecked } from './checked-json.ts';
import { imageFolder } from './local-memory.ts';

/** A build that local storage remembers. */
export interface LocalBuild extends Pick<KnownBuild, 'recipeKey' | 'content'> {
  readonly recipe: Recipe;
  readonly image: KeptImage | undefined;
  /** Whether the image is in storage. */
  readonly isThere: boolean;
  /** Milliseconds since the epoch: when it was last built, or taken over. */
  readonly usedAt: number;
  /** Absolute. */
  readonly file: string;
}

/** All builds of `<graphRoot>/layers-builds`; what is damaged is none. */
export function listLocalBuilds(graphRoot: string): readonly LocalBuild[] {
  return filesIn(graphRoot, /^[0-9a-f]{64}\.json$/).flatMap((file) => {
    const build = read(file);
    if (build === undefined) return [];
    const { recipeKey, content, recipe, image } = build;
    const { local } = image;
    const isThere = local !== undefined && existsSync(imageFolder(local));
    return [{ recipeKey, content, recipe, image: local, isThere, usedAt: statSync(file).mtimeMs, file }];
  });
}

/** The files of all input sets there. */
export function listLocalSets(graphRoot: string): readonly { readonly probeKey: string; readonly file: string }[] {
  return filesIn(graphRoot, /^in-[0-9a-f]{64}\.json$/).map((file) => {
    return { probeKey: path.basename(file, '.json').slice('in-'.length), file };
  });
}

function filesIn(graphRoot: string, pattern: RegExp): string[] {
  const folder = path.join(graphRoot, 'layers-builds');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => (pattern.test(name) ? [path.join(folder, name)] : []));
}

function read(file: string): (KnownBuild & { readonly recipe: Recipe }) | undefined {
  try {
    const build = decodeChecked(readFileSync(file, 'utf8')) as
      | (KnownBuild & { recipe: Recipe; version: number })
      | null;
    return build?.version === 1 ? build : undefined;
  } catch {
    return undefined;
  }
}
