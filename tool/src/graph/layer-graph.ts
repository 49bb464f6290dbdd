import type { Layer, LayerId } from '../config/layer.ts';
import type { ExternalImage } from './external-image.ts';

/** What a layer stands on. */
export type ParentLink =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'layer'; readonly id: LayerId; readonly reference: string }
  /** Nothing in the tree publishes it. */
  | ({ readonly kind: 'external' } & ExternalImage);

/** The linked tree: acyclic, every reference published once. Immutable. */
export interface LayerGraph {
  readonly layers: ReadonlyMap<LayerId, Layer>;
  /** Parents before children; ties by id, so that the order is the same on every machine. */
  readonly order: readonly LayerId[];
  readonly parents: ReadonlyMap<LayerId, ParentLink>;
  readonly children: ReadonlyMap<LayerId, readonly LayerId[]>;
}
