import type { LayerId } from '../config/layer.ts';

/** Where to prune, and what of a tree and its branches is needed there. */
export interface PrunePlace {
  readonly root: string;
  readonly stateDir: string;
  readonly temporaryRoot: string;
  readonly store: { readonly graphRoot: string; readonly driver: string };
  readonly needed: NeededBuilds;
  /** The last builds of each layer stay, so many. */
  readonly keepLast: number;
  readonly now: number;
}

/** What the tree and its branches stand on, as a plan of each finds it. */
export interface NeededBuilds {
  /** Layers of the tree and of the branches. */
  readonly layers: ReadonlySet<LayerId>;
  /** Recipe keys, and who needs each: `the tree`, `branch main`. */
  readonly keys: ReadonlyMap<string, string>;
  /** Keys under which input sets are looked for. */
  readonly probes: ReadonlySet<string>;
}
