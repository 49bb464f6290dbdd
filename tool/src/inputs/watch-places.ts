import { existsSync, lstatSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import { parseMount } from '../config/mounts.ts';
import type { CopyFile } from '../config/schema.ts';
import type { InputSet } from '../recipe/input-set.ts';
import { hasContext, optionsOf, resolveSource } from './copyfiles.ts';
import { inventoryScripts } from './inventory-scripts.ts';
import { type InputPlaces, namedFiles } from './layer-inputs.ts';
import { layersIgnore } from './layers-ignore.ts';
import { oncePerTurn } from './once-per-turn.ts';
import { setNames } from './set-names.ts';
import { expandPattern, isPattern } from './source-glob.ts';
import { mayRead } from './superset.ts';

/** Where changes can matter to a layer; absolute paths, there or not. More than what counts: whether a change does is the plan's to say. */
export interface WatchPlaces {
  /** Paths that are read or looked for. */
  readonly files: ReadonlySet<string>;
  /** Folders in which names count: a new file may be an input. */
  readonly listings: ReadonlySet<string>;
  /** Folders of which everything counts. */
  readonly trees: ReadonlySet<string>;
}

/** Where a path leads; undefined where nothing is there. Folders are asked once a turn: thousands of paths lie in a few of them. */
function behindLinks(file: string): string | undefined {
  const folder = realFolder(path.dirname(file));
  if (folder === '') return undefined;
  const real = path.join(folder, path.basename(file));
  if (lstatSync(real, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return real;
  return realOf(real) || undefined;
}

const realFolder = oncePerTurn(realOf);

/** Empty for what is not there. */
function realOf(file: string): string {
  try {
    return realpathSync.native(file);
  } catch {
    return '';
  }
}

/** Collects places. */
class Places implements WatchPlaces {
  readonly files = new Set<string>();
  readonly listings = new Set<string>();
  readonly trees = new Set<string>();

  add(file: string): void {
    if (this.files.has(file)) return;
    this.files.add(file);
    const real = behindLinks(file);
    if (real !== undefined && real !== file) this.files.add(real);
  }
}

/**
 * What a layer reads, and where what is new would be read. `set`: what the last run of its playbooks depended on; without it, or with
 * `all`, everything that they may read by a static reading.
 */
export async function watchPlaces(
  layer: Layer,
  set: InputSet | undefined,
  places: InputPlaces,
  { all = false } = {},
): Promise<WatchPlaces> {
  const { root } = places;
  const found = new Places();
  found.add(path.join(root, layer.file));
  for (const copyfile of layer.copyfiles) addCopied(copyfile, layer, root, found);
  for (const { path: file } of namedFiles(layer, root)) if (typeof file === 'string') found.add(file);
  // What lies there counts for nothing, but that it is there does; also when it came just before this.
  for (const text of layer.options.mounts) found.add(resolveSource(root, layer.file, parseMount(text)?.src ?? ''));
  if (layer.options.layer_type !== 'ansible') return found;
  const { playbooks, inventory, ansible_vault_password_file: vault } = layer.options;
  const named = [...playbooks, ...inventory.filter((one) => !one.includes(',')), ...(vault === '' ? [] : [vault])];
  for (const file of named) found.add(resolveSource(root, layer.file, file));
  for (const { path: file } of inventoryScripts(layer, root)) found.add(file);
  const [{ pathOf }, isIgnored] = await Promise.all([setNames(layer, places), layersIgnore(root)]);
  const counted = (names: readonly string[] = []) => names.filter((name) => !isIgnored(name));
  for (const name of counted([...(set?.read ?? []), ...(set?.probed ?? [])])) found.add(pathOf(name));
  for (const name of counted(set?.listed)) found.listings.add(pathOf(name));
  if (set !== undefined && !all) return found;
  for (const name of (await mayRead(layer, places)).names) {
    const file = pathOf(name);
    found.add(file);
    // A new file beside one that is read, or a new folder of its role.
    for (const folder of [path.dirname(file), path.dirname(path.dirname(file))]) {
      if (folder.startsWith(`${root}/`)) found.listings.add(folder);
    }
  }
  return found;
}

function addCopied(copyfile: CopyFile, layer: Layer, root: string, found: Places): void {
  const options = optionsOf(copyfile.opts);
  if (options.from !== undefined || /^https?:\/\//.test(copyfile.src)) return;
  if (hasContext(copyfile)) {
    found.trees.add(resolveSource(root, layer.file, options.contextdir ?? ''));
    return;
  }
  const source = resolveSource(root, layer.file, copyfile.src);
  // The one below the root wins over the one beside the layer file, whenever it comes.
  if (!path.isAbsolute(copyfile.src)) {
    found.add(path.join(root, copyfile.src));
    found.add(path.join(root, path.dirname(layer.file), copyfile.src));
  }
  if (existsSync(source) || !isPattern(source)) {
    addSource(source, found);
    return;
  }
  const fixed = source.slice(0, source.search(/[*?[]/));
  found.listings.add(fixed.slice(0, Math.max(1, fixed.lastIndexOf('/'))));
  for (const match of expandPattern(source)) {
    found.listings.add(path.dirname(match));
    addSource(match, found);
  }
}

function addSource(source: string, found: Places): void {
  found.add(source);
  const isFolder = statSync(source, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isFolder) return;
  found.trees.add(source);
  const real = realpathSync(source);
  if (real !== source) found.trees.add(real);
}
