import { BuildFailure } from '../build/builder.ts';
import type { Layer } from '../config/layer.ts';
import { parseReference } from '../graph/reference.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { ParentImage } from './build-image.ts';
import type { LayerWork } from './work-on-layer.ts';

/** What a build starts from, and what its recipe and record hold of that. */
export interface ChosenParent {
  readonly image: ParentImage;
  readonly recipe: Recipe['parent'];
  /** The reference of an external parent. */
  readonly external?: string;
}

/** Throws BuildFailure where the parent's image is not to be had. */
export function chooseParent(work: Pick<LayerWork, 'graph' | 'facts' | 'decide'>, layer: Layer): ChosenParent {
  const { graph, facts } = work;
  const link = graph.parents.get(layer.id);
  switch (link?.kind) {
    case 'layer': {
      const record = facts.records.get(link.id);
      if (record === undefined || facts.missingImages.has(link.id)) {
        throw new BuildFailure(`the image of its parent ${link.id} is not in local storage`, {
          hint: `'layers build ${link.id}' makes it; without --only that happens by itself`,
        });
      }
      return {
        image: { from: record.image.id, isExternal: false, inheritedLabels: record.inheritedLabels },
        recipe: { kind: 'layer', content: record.content },
      };
    }
    case 'external': {
      const { recipe } = work.decide(layer.id);
      if (recipe?.parent.kind !== 'external') {
        throw new BuildFailure(`its parent image ${link.reference} was not found`, {
          hint: 'no layer of this tree publishes it, and it could not be asked for: see the warning above',
        });
      }
      const from = pinned(link.reference, recipe.parent.manifest);
      return {
        image: { from, isExternal: true, inheritedLabels: {} },
        recipe: recipe.parent,
        external: link.reference,
      };
    }
    default:
      return { image: { from: 'scratch', isExternal: false, inheritedLabels: {} }, recipe: { kind: 'scratch' } };
  }
}

/** By digest where the place knows digests, so that a tag that moves meanwhile changes nothing. */
function pinned(reference: string, manifest: string): string {
  const parsed = parseReference(reference);
  const isRemote = parsed !== undefined && parsed.transport === '' && !parsed.repository.startsWith('localhost/');
  return isRemote ? `${parsed.repository}@${manifest}` : reference;
}
