import type { Layer, LayerId } from '../config/layer.ts';
import type { LayerGraph } from './layer-graph.ts';

/** Names are relative to the root of the tree; those outside are absolute or symbolic (`role:web/tasks/main.yml`). */
export interface Reads {
  /** What the layer reads or looks for. One that ends with `/`: all below it counts. */
  readonly names: Iterable<string>;
  /** Folders whose names it lists: a file directly in one counts. */
  readonly listed?: Iterable<string>;
}

/** What differs between two states of the tree. A path that ends with `/` stands for all below it. */
export interface Changes {
  readonly changed: ReadonlySet<string>;
  /** Nobody knows whether they changed. */
  readonly ignored?: ReadonlySet<string>;
  /** Layers that changed in another way (settings, parents, the lock), and how. */
  readonly layers?: ReadonlyMap<LayerId, string>;
}

/**
 * Layers that a change may touch by themselves, in build order, each with the reason in words. Their descendants are not in it. It may
 * name too many, never too few: what it names is planned, and then built only where its recipe is another one. Pure.
 */
export function affectedBy(
  graph: LayerGraph,
  changes: Changes,
  mayRead: (layer: Layer) => Reads,
): Map<LayerId, string> {
  const look = lookup(changes);
  const affected = new Map<LayerId, string>();
  for (const id of graph.order) {
    const layer = graph.layers.get(id) as Layer;
    const isEdited = changes.changed.has(layer.file);
    const reason = isEdited ? `${layer.file} changed` : (changes.layers?.get(id) ?? look(mayRead(layer)));
    if (reason !== undefined) affected.set(id, reason);
  }
  return affected;
}

/** Answers for one layer in time that goes by what it reads, not by how much changed. */
function lookup({ changed, ignored = new Set() }: Changes) {
  const uncertain = new Set([...changed, ...ignored]);
  const below = byFolder(uncertain);
  const inFolder = new Map([...changed].map((name) => [`${parentOf(name)}/`, name]));
  const outside = [...changed].filter((name) => name.startsWith('/'));
  return ({ names, listed = [] }: Reads): string | undefined => {
    for (const name of names) {
      const hit = uncertain.has(name)
        ? name
        : (below.get(asFolder(name)) ?? above(name, uncertain) ?? symbolic(name, outside));
      if (hit !== undefined) return changed.has(hit) ? `${hit} changed` : `${hit}, which git ignores, may have changed`;
    }
    for (const name of listed) {
      const hit = inFolder.get(asFolder(name));
      if (hit !== undefined) return `names in ${name.replace(/\/$/, '')} changed: ${hit}`;
    }
    return undefined;
  };
}

/** Every folder above one of the names → the first of them. */
function byFolder(names: Iterable<string>): Map<string, string> {
  const found = new Map<string, string>();
  for (const name of names) {
    if (!found.has('./')) found.set('./', name);
    for (let folder = parentOf(name); folder !== '.' && !found.has(`${folder}/`); folder = parentOf(folder)) {
      found.set(`${folder}/`, name);
      if (folder === '') break;
    }
  }
  return found;
}

/** A changed path that stands for all below it, and the name is there: a submodule, a folder that is not tracked, a link. */
function above(name: string, changed: ReadonlySet<string>): string | undefined {
  for (let folder = name.replace(/\/$/, ''); folder !== '.' && folder !== ''; folder = parentOf(folder)) {
    if (changed.has(folder)) return folder;
    if (changed.has(`${folder}/`)) return `${folder}/`;
  }
  return undefined;
}

/** A role in the repository and outside of the tree goes by its name: a file that ends alike may be it. */
function symbolic(name: string, outside: readonly string[]): string | undefined {
  if (outside.length === 0) return undefined;
  const tail = /^(?:[a-z.-]+:|~)\/?(.+)/.exec(name)?.[1];
  return tail === undefined ? undefined : outside.find((one) => one.endsWith(`/${tail}`));
}

function asFolder(name: string): string {
  return name.endsWith('/') ? name : `${name}/`;
}

function parentOf(name: string): string {
  const at = name.replace(/\/$/, '').lastIndexOf('/');
  return at === -1 ? '.' : name.slice(0, at);
}
