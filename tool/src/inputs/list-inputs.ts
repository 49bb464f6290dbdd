import { realpathSync } from 'node:fs';
import type { Layer } from '../config/layer.ts';
import type { InputSet } from '../recipe/input-set.ts';
import { type Copying, copiedSources } from './copyfiles.ts';
import { type InputPlaces, layerInputs } from './layer-inputs.ts';
import { layersIgnore } from './layers-ignore.ts';
import { fromPrintable, printable } from './names.ts';
import { setNames } from './set-names.ts';
import { mayRead } from './superset.ts';

/** Why a file, folder or absent path is an input. */
type InputOrigin = 'copied' | 'layer-file' | 'inventory-script' | 'read' | 'probed' | 'listed' | 'may-read';

/** One input and what brought it in. */
export interface ListedInput {
  readonly name: string;
  readonly origin: InputOrigin;
  /** Of a copied one: the `copyfiles` entries that name it, counted from 1. */
  readonly entries?: readonly number[];
  /** Absolute, where that is another path than the name says: behind a link, or outside the tree. */
  readonly path?: string;
}

export interface InputList {
  /** Sorted by name. */
  readonly inputs: readonly ListedInput[];
  readonly tools: Readonly<Record<string, string>>;
  /** Names of the variables that count. */
  readonly environment: readonly string[];
}

/**
 * All inputs of a layer. `set`: what the last run of its playbooks depended on; what they may read besides is listed as such, and
 * counts for nothing while the set is known. Throws InvalidInput.
 */
export async function listInputs(layer: Layer, set: InputSet | undefined, places: InputPlaces): Promise<InputList> {
  const { files, tools, environment } = await layerInputs(layer, places);
  const found = new Map<string, ListedInput>();
  const add = (input: ListedInput) => found.has(input.name) || found.set(input.name, input);
  const isIgnored = await layersIgnore(places.root);
  const copying = { digester: places.digester, isIgnored };
  for (const [name, entries] of copiedBy(layer, places.root, copying)) add({ name, origin: 'copied', entries });
  for (const name of Object.keys(files)) {
    add({ name, origin: name.startsWith('inventory-script:') ? 'inventory-script' : 'layer-file' });
  }
  for (const origin of ['read', 'probed', 'listed'] as const) {
    for (const name of set?.[origin] ?? []) if (!isIgnored(name)) add({ name, origin });
  }
  for (const name of (await mayRead(layer, places)).names) add({ name, origin: 'may-read' });
  const names = await setNames(layer, places);
  const inputs = [...found.values()].map((input) => ({
    ...input,
    ...elsewhere(input.name, names.pathOf, places.root),
  }));
  return {
    inputs: inputs.sort((a, b) => (a.name < b.name ? -1 : 1)),
    tools,
    environment: Object.keys(environment),
  };
}

/** Name → numbers of the `copyfiles` entries. */
function copiedBy(layer: Layer, root: string, copying: Copying): Map<string, number[]> {
  const entries = new Map<string, number[]>();
  for (const [index, copyfile] of layer.copyfiles.entries()) {
    const copied = copiedSources(root, layer.file, copyfile, copying).flatMap((source) => source.entries);
    for (const { name } of copied) entries.set(name, [...(entries.get(name) ?? []), index + 1]);
  }
  return entries;
}

function elsewhere(name: string, pathOf: (name: string) => string, root: string): { path?: string } {
  if (name.startsWith('inventory-script:')) return {};
  try {
    const path = printable(realpathSync(fromPrintable(pathOf(name.replace(/(.)\/$/, '$1')))));
    return path === `${realpathSync(root)}/${name.replace(/\/$/, '')}` || path === name ? {} : { path };
  } catch {
    // Absent; the name says all.
    return {};
  }
}
