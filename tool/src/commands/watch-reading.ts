import { join, relative, resolve } from 'node:path';
import { destinationsOf } from '../config/destinations.ts';
import { InvalidInput } from '../config/diagnostic.ts';
import { SETTINGS_FILE } from '../config/gather-layers.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { select } from '../graph/select.ts';
import { openRecords } from '../records/record-store.ts';
import { InputIndex } from '../watch/input-index.ts';
import { isNoise } from '../watch/noise.ts';
import type { Observer } from '../watch/observer.ts';
import type { CommandContext } from './command.ts';
import { findRoot, isRoot } from './find-root.ts';
import { type LoadedTree, loadTree } from './load-tree.ts';
import { openInputs } from './open-inputs.ts';
import { type Prepared, prepareLoaded, remembering } from './prepare.ts';

/** The tree as it was read last: what is watched of it, and who reads what. */
export class WatchReading {
  readonly root: string;
  readonly #context: CommandContext;
  #index: InputIndex;
  #own: readonly string[] = [];
  #isCurrent = false;
  /** Layers that are watched, as they were planned last: not those that are left to other machines. */
  layers: ReadonlySet<LayerId> = new Set();

  constructor(context: CommandContext) {
    this.#context = context;
    this.root = findRoot(context.cwd, context.options.root);
    this.#index = this.#newIndex('layers');
  }

  get index(): InputIndex {
    return this.#index;
  }

  readonly isNoise = (file: string): boolean => isNoise(file, this.#own);

  /** Something happened after which other places may count: the next time they are found anew. */
  outdate(): void {
    this.#isCurrent = false;
  }

  /**
   * Reads the tree, has what its layers read observed, and then plans: a change that comes later is seen. `uncertain`: layers of which
   * also counts what they only may read. Throws InvalidInput; what was observed before still is, and what is wrong too.
   */
  async prepare(observer: Observer, uncertain: ReadonlySet<LayerId>): Promise<Prepared> {
    const loaded = await this.refresh(observer, uncertain);
    const prepared = await prepareLoaded(this.#context, this.#context.positionals, remembering(loaded));
    this.layers = new Set(prepared.plan.decisions.keys());
    return prepared;
  }

  /** Has observed what counts now, without a plan. Throws InvalidInput. */
  async refresh(observer: Observer, uncertain: ReadonlySet<LayerId>): Promise<LoadedTree> {
    const { options, cwd, env } = this.#context;
    // Layer files are watched from the beginning, however wrong they are.
    if (observer.size === 0) await observer.watch(this.#index.folders());
    const loaded = await loadTree({ ...options, cwd, env });
    if (this.#isCurrent) return loaded;
    await this.#observe(loaded, observer, uncertain);
    this.#isCurrent = true;
    return loaded;
  }

  async #observe(
    { tree, graph, stateDir }: LoadedTree,
    observer: Observer,
    uncertain: ReadonlySet<LayerId>,
  ): Promise<void> {
    const { cwd, env, values, positionals } = this.#context;
    const { needed } = select(graph, {
      selectors: positionals,
      exclude: (values.exclude ?? []) as string[],
      prefix: relative(tree.root, cwd),
    });
    this.#own = ownPlaces(tree.root, stateDir, graph.layers.values());
    const { reader } = openInputs({ root: tree.root, stateDir, env, layers: tree.layers });
    const records = openRecords(stateDir);
    const index = this.#newIndex(tree.settings.folders.layers);
    for (const id of needed) {
      const layer = graph.layers.get(id) as Layer;
      const stored = layer.options.layer_type === 'ansible' ? records.read(id) : undefined;
      const set = stored?.kind === 'record' ? stored.record.inputSet : undefined;
      index.add(id, await reader.placesOf(layer, set, { all: uncertain.has(id) }));
    }
    this.#index = index;
    await observer.watch(index.folders());
  }

  #newIndex(layersFolder: string): InputIndex {
    const { root } = this;
    return new InputIndex({
      root,
      common: [SETTINGS_FILE, 'layers.lock', '.layersignore'].map((name) => join(root, name)),
      layersFolder: isRoot(root) ? join(root, layersFolder) : undefined,
      isNoise: this.isNoise,
    });
  }
}

/** Where runs write: absolute. */
function ownPlaces(root: string, stateDir: string, layers: Iterable<Layer>): string[] {
  const places = new Set([stateDir]);
  for (const layer of layers) {
    for (const one of destinationsOf(layer)) {
      if (one.kind === 'oci' || one.kind === 'file') places.add(resolve(root, one.directory));
    }
  }
  return [...places];
}

/** A problem of the tree, which editing can mend; others are the command line's. */
export function isOfTree(error: unknown): error is InvalidInput {
  return error instanceof InvalidInput && error.diagnostics.length > 0;
}
