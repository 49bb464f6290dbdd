import { join, normalize } from 'node:path/posix';
import picomatch from 'picomatch';
import { isOneOfSeveral } from '../config/architectures.ts';
import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { nearest } from '../config/nearest.ts';
import { fileIdOf, fullIdOf } from './architectures.ts';
import { type LayerGraph, neededBy } from './layer-graph.ts';

export interface Selection {
  /**
   * A name, id (or the end of one that is unique), each with `@ARCHITECTURE` for one of several, path of the file or of a folder, or glob over names, ids and paths; `X...` with ancestors, `...X` with
   * descendants.
   */
  readonly selectors: readonly string[];
  /** Left out, and what stands on them too. */
  readonly exclude?: readonly string[];
  /** Without the ancestors that were not named. */
  readonly only?: boolean;
  /** Every layer without `manual: true`; also the meaning of no selector. */
  readonly all?: boolean;
  /** Where the user stands, relative to the root: paths may be given from there. */
  readonly prefix?: string;
  /** Of what the selectors match only these, as `--affected` finds them. */
  readonly within?: ReadonlySet<LayerId>;
}

/**
 * What the user asked for.
 * @returns `named`: what the selectors match. `needed`: those and, unless `only`, all they stand on. Both in build order.
 * @throws InvalidInput for a selector that matches nothing, naming what is near
 */
export function select(graph: LayerGraph, selection: Selection): { named: Set<LayerId>; needed: Set<LayerId> } {
  const { selectors, exclude = [], only = false, all = false, prefix = '', within } = selection;
  const chosen = new Set<LayerId>();
  if (all || selectors.length === 0) {
    for (const [id, layer] of graph.layers) if (!layer.options.manual) chosen.add(id);
  }
  for (const selector of selectors) for (const id of matching(graph, selector, prefix)) chosen.add(id);
  const excluded = new Set<LayerId>();
  for (const selector of exclude) {
    for (const id of withDescendants(graph, matching(graph, selector, prefix))) excluded.add(id);
  }
  const named = new Set(
    graph.order.filter((id) => chosen.has(id) && !excluded.has(id) && (within === undefined || within.has(id))),
  );
  const above = only ? new Set<LayerId>() : ancestors(graph, named);
  return { named, needed: new Set(graph.order.filter((id) => above.has(id) || named.has(id))) };
}

/** The layers and all that stands on them, manual ones too. */
export function withDescendants(graph: LayerGraph, ids: Iterable<LayerId>): Set<LayerId> {
  const first = new Set(ids);
  return new Set([...first, ...below(graph, first, () => true)]);
}

function matching(graph: LayerGraph, selector: string, prefix: string): Set<LayerId> {
  const hasDescendants = selector.startsWith('...');
  const hasAncestors = selector.endsWith('...') && selector.length > 3;
  const core = selector.slice(hasDescendants ? 3 : 0, hasAncestors ? -3 : undefined);
  const matched = new Set(plainMatches(graph, core, prefix));
  if (matched.size === 0) throw unknownSelector(graph, core === '' ? selector : core);
  const more = [
    ...(hasAncestors ? ancestors(graph, matched) : []),
    ...(hasDescendants ? below(graph, matched, isAutomatic) : []),
  ];
  for (const id of more) matched.add(id);
  return matched;
}

function plainMatches(graph: LayerGraph, text: string, prefix: string): LayerId[] {
  if (text === '') return [];
  const layers = [...graph.layers.values()];
  const exact = layers.filter((layer) => namesOf(layer).includes(text) || isFile(layer, text, prefix));
  if (exact.length > 0) return exact.map(({ id }) => id);
  if (!/[*?[{(!]/.test(text)) {
    const folder = layers.filter((layer) => isInFolder(layer, text, prefix));
    if (folder.length > 0) return folder.map(({ id }) => id);
    // `compute` for `debian/compute`, as long as there is one.
    const ends = layers.filter((layer) => idsOf(layer).some((id) => id.endsWith(`/${text}`)));
    return new Set(ends.map(({ file }) => file)).size === 1 ? ends.map(({ id }) => id) : [];
  }
  const matches = picomatch(text, { nonegate: true });
  const matchesPath = picomatch([text, join(prefix, text)].map(normalize), { nonegate: true });
  return layers
    .filter((layer) => namesOf(layer).some((name) => matches(name)) || matchesPath(layer.file))
    .map(({ id }) => id);
}

/** Of a layer for several architectures that of its file, which means all of them, and its own. */
function idsOf(layer: Layer): string[] {
  return isOneOfSeveral(layer) ? [fileIdOf(layer), fullIdOf(layer)] : [layer.id];
}

function namesOf(layer: Layer): string[] {
  const { name } = layer.options;
  return [...idsOf(layer), name, ...(isOneOfSeveral(layer) ? [`${name}@${layer.architecture}`] : [])];
}

/** A folder of layer files, by its path or as ids begin. */
function isInFolder(layer: Layer, text: string, prefix: string): boolean {
  const folder = text.replace(/\/+$/, '');
  if (folder !== '' && layer.id.startsWith(`${folder}/`)) return true;
  if (!/[./]/.test(text)) return false;
  const here = join(prefix, folder);
  return here === '.' || [normalize(folder), here].some((path) => layer.file.startsWith(`${path}/`));
}

function isFile(layer: Layer, text: string, prefix: string): boolean {
  if (layer.file === text) return true;
  if (!/[./]/.test(text)) return false;
  return layer.file === normalize(text) || layer.file === join(prefix, text);
}

/** All that the layers need: parents, and layers of tools images. */
export function ancestors(graph: LayerGraph, ids: Iterable<LayerId>): Set<LayerId> {
  const above = new Set<LayerId>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const needed of neededBy(graph, id)) {
      if (above.has(needed)) continue;
      above.add(needed);
      open.push(needed);
    }
  }
  return above;
}

/** Manual layers are built only when somebody names them: `...X` does not. */
function isAutomatic(layer: Layer): boolean {
  return !layer.options.manual;
}

/** Descendants to which a way leads through layers that the filter lets pass. */
function below(graph: LayerGraph, ids: ReadonlySet<LayerId>, passes: (layer: Layer) => boolean): Set<LayerId> {
  const found = new Set<LayerId>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const child of graph.children.get(id) ?? []) {
      if (found.has(child) || !passes(graph.layers.get(child) as Layer)) continue;
      found.add(child);
      open.push(child);
    }
  }
  return found;
}

function unknownSelector(graph: LayerGraph, text: string): InvalidInput {
  const words = new Set([...graph.layers.values()].flatMap((layer) => [layer.options.name, layer.id]));
  const near = nearest(text, words);
  const partial = [...words].filter((word) => text.length > 2 && word.includes(text)).slice(0, 3);
  const names = near === undefined ? partial : [near, ...partial.filter((word) => word !== near)];
  return new InvalidInput(`no layer matches '${text}'`, {
    hint: names.length > 0 ? `did you mean ${names.join(' or ')}?` : "'layers list' shows all layers",
  });
}
