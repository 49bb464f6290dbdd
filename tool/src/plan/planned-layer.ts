import type { LayerId } from '../config/layer.ts';
import type { Reason } from './reason.ts';

/** One layer of a plan as it is shown and kept: `plan --json` prints these. `recipeKey` is null while a parent is pending. */
export interface PlannedLayer {
  readonly id: LayerId;
  readonly name: string;
  /** Of a layer for several. */
  readonly architecture?: string;
  readonly path: string;
  readonly parents: readonly LayerId[];
  readonly action: 'build' | 'reuse' | 'publish' | 'nothing' | 'pending';
  readonly reasons: readonly Reason[];
  readonly recipeKey: string | null;
}
