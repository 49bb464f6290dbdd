import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { deepFreeze } from '../config/deep-freeze.ts';
import { type Diagnostic, InvalidInput } from '../config/diagnostic.ts';
import { DEFAULT_SETTINGS, distinct, gatherLayers, layerIdOf, SETTINGS_FILE } from '../config/gather-layers.ts';
import type { Layer, LayerId, LayerPlaces, Tree, TreeSettings } from '../config/layer.ts';
import type { Located } from '../config/located.ts';
import type { ParsedLayer } from '../config/parse-layer.ts';
import { expandArchitectures } from '../graph/architectures.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { type Linked, linkLayers } from '../graph/link.ts';
import { findRoot, isApart, isRoot, whyRoot } from './find-root.ts';
import { FLAT, hintOfFlat, listFlatFiles } from './flat-folder.ts';
import { type CachedLayer, readLayerCache, writeLayerCache } from './layer-cache.ts';
import { type LayerFileEntry, listLayerFiles } from './list-layer-files.ts';
import { machineArchitecture } from './machine-facts.ts';
import { refuseUnusableState } from './usable-state.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadedTree {
  readonly tree: Tree;
  readonly graph: LayerGraph;
  /** Where layer files say what others may have a word about, by the id of the file. */
  readonly places: ReadonlyMap<LayerId, LayerPlaces>;
  /** Warnings only: errors are thrown, but by `loadTreeInPart`. */
  readonly diagnostics: readonly Diagnostic[];
  /** Absolute; may not exist yet. */
  readonly stateDir: string;
}

interface TreeOptions {
  /** As given on the command line. */
  readonly root?: string;
  /** Folder for records, as given on the command line; else what layers.yaml says, else `.layers`. */
  readonly state?: string;
  readonly cwd: string;
  /** Where registries.conf is; it is read when a parent may be a layer under another name of its registry. */
  readonly env: Environment;
}

/**
 * Finds the tree, reads its settings and layer files, and links them. Files that did not change since the last time come from
 * `<state>/cache/layers.json`.
 * @throws InvalidInput with all problems of all files
 */
export async function loadTree(options: TreeOptions): Promise<LoadedTree> {
  const { loaded, problem } = await loadTreeInPart(options);
  if (problem !== undefined) throw problem;
  return loaded;
}

/**
 * The same of what is right in a tree, for a look at what was built before: never to plan or build by.
 * @returns `problem`: what `loadTree` throws. Without valid settings it is thrown here, too.
 */
export async function loadTreeInPart(
  options: TreeOptions,
): Promise<{ readonly loaded: LoadedTree; readonly problem?: InvalidInput }> {
  const root = findRoot(options.cwd, options.root);
  const started = Date.now();
  const settingsText = readSettings(root);
  const stateOption = options.state === undefined ? undefined : resolve(options.cwd, options.state);
  if (stateOption !== undefined) refuseUnusableState(stateOption);
  const cache = readLayerCache(stateOption ?? join(root, likelyState(settingsText)));
  const sameSettings = cache !== undefined && cache.settingsText === settingsText;
  const { settings, defaults, diagnostics } = sameSettings
    ? { settings: cache.settings, defaults: undefined, diagnostics: cache.settingsDiagnostics }
    : await settingsOf(settingsText);
  const stateDir = stateOption ?? join(root, settings.folders.state);
  const layersFolder = isRoot(root) ? settings.folders.layers : FLAT;
  const listed = layersFolder === FLAT ? listFlatFiles(root, isApart) : listLayerFiles(root, layersFolder);
  let parse: ((file: LayerFileEntry) => ParsedLayer) | undefined;
  const parsed = [];
  for (const file of listed.files) {
    const id = layerIdOf(file.path, layersFolder);
    const known = sameSettings ? cache.lookUp(file) : undefined;
    if (known === undefined) parse ??= await parser(root, layersFolder, defaults, sameSettings ? settingsText : null);
    const one = known === undefined ? parse?.(file) : { ...known, layer: deepFreeze(known.layer) };
    parsed.push({ path: file.path, id, stat: file.stat, diagnostics: [], places: {}, ...one });
  }
  const { layers, places, diagnostics: ofLayers } = gatherLayers(parsed);
  if (parse !== undefined || !sameSettings || Object.keys(cache.layers).length !== parsed.length) {
    const entries: [string, CachedLayer][] = parsed.flatMap(({ path, stat, layer, places, diagnostics }) =>
      layer === undefined ? [] : [[path, { stat, layer, places, diagnostics }]],
    );
    const kept = { started, settingsText, settings, settingsDiagnostics: diagnostics };
    if (!hasErrors(diagnostics)) await writeLayerCache(stateDir, { ...kept, layers: Object.fromEntries(entries) });
  }
  const linked = await link(layers, places, settings.registryNames, options.env);
  const { graph, diagnostics: ofArchitectures } = expandArchitectures(
    linked.graph,
    machineArchitecture(options.env),
    places,
  );
  // Without valid settings it is not known where the layer files are.
  const ofFolders = hasErrors(diagnostics) ? [] : listed.diagnostics.map((one) => hintOfFlat(one, root, layersFolder));
  const all = distinct([...diagnostics, ...ofFolders, ...ofLayers, ...linked.diagnostics, ...ofArchitectures]);
  const problem = hasErrors(all) ? refusal(all, root, doubtOfRoot(all, root, options)) : undefined;
  if (problem !== undefined && hasErrors(diagnostics)) throw problem;
  const loaded = { tree: { root, settings, layers }, graph, places, diagnostics: all, stateDir };
  return { loaded, ...(problem && { problem }) };
}

/** Once by what the tree says; where that leaves a doubt, again with what this machine says. */
async function link(
  layers: readonly Layer[],
  places: ReadonlyMap<LayerId, LayerPlaces>,
  groups: TreeSettings['registryNames'],
  env: Environment,
): Promise<Linked> {
  const linked = linkLayers(layers, places, { groups, readFrom: new Map() });
  if (linked.unsure.length === 0) return linked;
  const { readFromElsewhere } = await import('./names-of-machine.ts');
  const readFrom = await readFromElsewhere(linked.unsure, env);
  return readFrom.size === 0 ? linked : linkLayers(layers, places, { groups, readFrom });
}

function readSettings(root: string): string | null {
  try {
    return readFileSync(join(root, SETTINGS_FILE), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    const message = `The file cannot be read: ${(error as Error).message}`;
    throw refusal([{ severity: 'error', code: 'unreadable-file', message, file: SETTINGS_FILE }], root);
  }
}

/** The state folder without a YAML parser; a wrong guess only misses the cache. */
function likelyState(settingsText: string | null): string {
  const written = /^[ \t]+state:[ \t]+["']?([^"'#\s]+)/m.exec(settingsText ?? '');
  return written?.[1] ?? DEFAULT_SETTINGS.folders.state;
}

async function settingsOf(
  text: string | null,
): Promise<{ settings: TreeSettings; defaults: Located | undefined; diagnostics: readonly Diagnostic[] }> {
  if (text === null) return { settings: DEFAULT_SETTINGS, defaults: undefined, diagnostics: [] };
  const { parseSettings } = await import('../config/settings.ts');
  const { settings = DEFAULT_SETTINGS, defaults, diagnostics } = parseSettings(text, { file: SETTINGS_FILE });
  return { settings, defaults, diagnostics };
}

/** Loads zod and YAML. Defaults are read once more when the settings came from the cache. */
async function parser(
  root: string,
  layersFolder: string,
  given: Located | undefined,
  settingsText: string | null,
): Promise<(file: LayerFileEntry) => ParsedLayer> {
  const { parseLayer } = await import('../config/parse-layer.ts');
  const { MAXIMAL_LENGTH } = await import('../config/read-yaml.ts');
  const defaults = given ?? (await settingsOf(settingsText)).defaults;
  return ({ path, size }) => {
    const refuse = (code: string, message: string): ParsedLayer => {
      return { places: {}, diagnostics: [{ severity: 'error', code, message, file: path }] };
    };
    if (size > 4 * MAXIMAL_LENGTH) return refuse('yaml-limit', `The file has ${size} bytes: that is no layer file`);
    const text = readText(join(root, path));
    if (text instanceof Error) return refuse('unreadable-file', `The file cannot be read: ${text.message}`);
    const id = layerIdOf(path, layersFolder);
    return parseLayer(text, { file: path, id, ...(defaults && { defaults }) });
  };
}

function readText(path: string): string | Error {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(readFileSync(path));
  } catch (error) {
    return error instanceof TypeError ? new Error('it is not UTF-8', { cause: error }) : (error as Error);
  }
}

/** Of a root that was found above, and of one that may be none, as files in its layers/ are no layer files. */
function doubtOfRoot(all: readonly Diagnostic[], root: string, { cwd, root: named }: { cwd: string; root?: string }) {
  const isDoubtful = root !== resolve(cwd) || all.some(({ code }) => code === 'missing-options');
  return isDoubtful ? whyRoot(root, cwd, named) : undefined;
}

function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}

function refusal(diagnostics: readonly Diagnostic[], root: string, hint?: string): InvalidInput {
  const count = diagnostics.filter(({ severity }) => severity === 'error').length;
  const files = new Set(diagnostics.filter(({ severity }) => severity === 'error').map(({ file }) => file)).size;
  const message = `${count} ${count === 1 ? 'problem' : 'problems'} in ${files} ${files === 1 ? 'file' : 'files'}, nothing was done`;
  return new InvalidInput(message, { diagnostics, root, ...(hint !== undefined && { hint }) });
}
