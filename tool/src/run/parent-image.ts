import { BuildFailure } from '../build/builder.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { externalDigest } from '../plan/plan.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { Workspace } from '../system/workspace.ts';
import { pinnedParent } from './external-parent.ts';
import type { ParentImage } from './start-container.ts';
import type { LayerWork } from './work-on-layer.ts';

/** What a build starts from, and what its recipe and record hold of that. */
export interface ChosenParent {
  readonly image: ParentImage;
  readonly recipe: Recipe['parent'];
}

/** Throws BuildFailure where the parent's image is not to be had. */
export async function chooseParent(work: LayerWork, layer: Layer, workspace: Workspace): Promise<ChosenParent> {
  const { graph, facts } = work;
  const link = graph.parents.get(layer.id);
  switch (link?.kind) {
    case 'layer': {
      const id = await parentInStorage(work, link.id, workspace);
      // Read after that: where its image was not to be had, the parent was built again.
      const record = facts.records.get(link.id);
      if (record === undefined) throw new BuildFailure(`its parent ${link.id} has no record`);
      return {
        image: { from: id, isExternal: false, inheritedLabels: record.inheritedLabels },
        recipe: { kind: 'layer', content: record.content },
      };
    }
    case 'external': {
      // Not from the decision's recipe: an Ansible layer of which no run is known has none.
      const manifest = externalDigest(layer.id, link, facts, work.wish);
      if (manifest === undefined) {
        throw new BuildFailure(`its parent image ${link.reference} was not found`, {
          hint: 'no layer of this tree publishes it, and it could not be asked for: see the warning above',
        });
      }
      // The recipe says what was used: a tag on this disk may have moved since its digest was recorded or locked.
      const found = await pinnedParent(link, manifest, workspace);
      if (found.manifest !== manifest) workspace.warn(`${link.reference} is another image by now, which is used`);
      return {
        image: { from: found.from, isExternal: true, inheritedLabels: {} },
        recipe: { kind: 'external', manifest: found.manifest },
      };
    }
    default:
      return { image: { from: 'scratch', isExternal: false, inheritedLabels: {} }, recipe: { kind: 'scratch' } };
  }
}

/** Id of the parent's image in local storage, where it is pulled to when only its key tag is known. */
async function parentInStorage(work: LayerWork, id: LayerId, workspace: Workspace): Promise<string> {
  const image = await work.imageOf(id, workspace);
  if (image !== undefined) return image.id;
  throw new BuildFailure(`the image of its parent ${id} is not in local storage`, {
    hint: `'layers build ${id}' makes it; without --only that happens by itself`,
  });
}
