import type { Layer, LayerId } from '../config/layer.ts';
import type { ExternalImage } from './external-image.ts';

/** An image that a layer needs: one of the tree, or one that nothing in the tree publishes. */
export type ImageLink =
  | { readonly kind: 'layer'; readonly id: LayerId; readonly reference: string }
  | ({ readonly kind: 'external' } & ExternalImage);

/** What a layer stands on. */
export type ParentLink = { readonly kind: 'scratch' } | ImageLink;

/** The linked tree: acyclic, every reference published once. Immutable. */
export interface LayerGraph {
  readonly layers: ReadonlyMap<LayerId, Layer>;
  /** What is needed before who needs it; ties by id, so that the order is the same on every machine. */
  readonly order: readonly LayerId[];
  readonly parents: ReadonlyMap<LayerId, ParentLink>;
  /** The image whose package manager works on a layer, for the layers that have one. */
  readonly tools: ReadonlyMap<LayerId, ImageLink>;
  /** Who needs a layer's image, as parent or for tools. */
  readonly children: ReadonlyMap<LayerId, readonly LayerId[]>;
}

/** The images that one layer is made with. */
export interface LayerLinks {
  readonly parent: ParentLink;
  readonly tools?: ImageLink;
}

type Links = Pick<LayerGraph, 'parents' | 'tools'>;

export function linksOf({ parents, tools }: Links, id: LayerId): LayerLinks {
  const [parent, image] = [parents.get(id), tools.get(id)];
  if (parent === undefined) throw new Error(`not in the graph: ${id}`);
  return { parent, ...(image && { tools: image }) };
}

/** The layers of the tree whose images a layer is made with: its parent, and that of its tools image. */
export function neededBy({ parents, tools }: Links, id: LayerId): LayerId[] {
  return imagesOf({ parents, tools }, id).flatMap((link) => (link.kind === 'layer' ? [link.id] : []));
}

/** The images from elsewhere that a layer is made with. */
export function externalsOf({ parents, tools }: Links, id: LayerId): ExternalImage[] {
  return imagesOf({ parents, tools }, id).flatMap((link) => (link.kind === 'external' ? [link] : []));
}

/** One that is both is named once. */
function imagesOf({ parents, tools }: Links, id: LayerId): ImageLink[] {
  const [parent, image] = [parents.get(id), tools.get(id)];
  const links: ImageLink[] = [];
  if (parent !== undefined && parent.kind !== 'scratch') links.push(parent);
  // Both are of the layer's architecture.
  const isOther = links[0]?.kind !== image?.kind || links[0]?.reference !== image?.reference;
  if (image !== undefined && isOther) links.push(image);
  return links;
}
