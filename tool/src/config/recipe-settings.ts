import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { LayerFile } from './schema.ts';
import { commandSchema, copyfileSchema, layerFileSchema, optionsSchema, repoSchema } from './schema.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * The part of a layer file that decides what is built, as recipes keep it: only build keys whose value is not the default, so
 * that a key added to the schema later changes no recipe; secret values as hashes, each on its own, so that a difference can
 * name the member that changed. The parent is left out: recipes hold it by digest.
 */
export function recipeSettings(file: LayerFile): Record<string, Json> {
  const options = project(optionsSchema.shape, file.options);
  delete options['parent'];
  delete options['architectures'];
  if (file.options.layer_type === 'ansible') options['name'] = file.options.name;
  return {
    ...options,
    ...project(layerFileSchema.omit({ options: true }).shape, file),
  };
}

type Shape = Readonly<Record<string, z.ZodType>>;

const MEMBERS: Readonly<Record<string, Shape>> = {
  repos: repoSchema.shape,
  exclusive_repos: repoSchema.shape,
  copyfiles: copyfileSchema.shape,
  cmds: commandSchema.shape,
};

function project(shape: Shape, values: Readonly<Record<string, unknown>>): Record<string, Json> {
  const kept: Record<string, Json> = {};
  for (const [name, type] of Object.entries(shape)) {
    const { counts, secret } = type.meta() ?? {};
    const value = values[name];
    if (counts !== 'build' || value === undefined || isDefault(type, value)) continue;
    const members = MEMBERS[name];
    if (members !== undefined) kept[name] = (value as Record<string, unknown>[]).map((one) => project(members, one));
    else kept[name] = secret === true ? hashed(value) : (value as Json);
  }
  return kept;
}

function isDefault(type: z.ZodType, value: unknown): boolean {
  const fallback = type.safeParse(undefined);
  return fallback.success && JSON.stringify(fallback.data) === JSON.stringify(value);
}

/** Maps and lists keep their shape, so that `vars.password changed` can be said. */
function hashed(value: unknown): Json {
  if (Array.isArray(value)) return value.map(hashed);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, hashed(member)]));
  }
  return `sha256:${createHash('sha256').update(JSON.stringify(value)).digest('hex')}`;
}
