import { BuildFailure } from '../build/builder.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { type ImageLink, linksOf } from '../graph/layer-graph.ts';
import { externalDigest, type ImageUse } from '../plan/plan.ts';
import type { RecipeImage, RecipeImages } from '../recipe/recipe.ts';
import type { Workspace } from '../system/workspace.ts';
import { pinnedParent } from './external-parent.ts';
import type { BuildImages, ParentImage } from './start-container.ts';
import type { LayerWork } from './work-on-layer.ts';

/** The images that a build is made with, and what its recipe and record hold of them. */
export interface ChosenImages extends BuildImages {
  readonly recipe: RecipeImages;
}

/** Throws BuildFailure where an image is not to be had. */
export async function chooseImages(work: LayerWork, layer: Layer, workspace: Workspace): Promise<ChosenImages> {
  const links = linksOf(work.graph, layer.id);
  const parent =
    links.parent.kind === 'scratch' ? SCRATCH : await chooseImage(links.parent, 'parent', work, layer, workspace);
  const tools = links.tools && (await chooseImage(links.tools, 'tools', work, layer, workspace));
  return {
    parent: parent.image,
    ...(tools && { tools: tools.image }),
    recipe: { parent: parent.recipe, ...(tools && { toolsImage: tools.recipe }) },
  };
}

const SCRATCH = {
  image: { from: 'scratch', isExternal: false, inheritedLabels: {} },
  recipe: { kind: 'scratch' },
} as const;

async function chooseImage(
  link: ImageLink,
  use: ImageUse,
  work: LayerWork,
  { id }: Layer,
  workspace: Workspace,
): Promise<{ readonly image: ParentImage; readonly recipe: RecipeImage }> {
  const { facts } = work;
  const what = use === 'parent' ? 'parent' : 'tools image';
  if (link.kind === 'layer') {
    const from = await imageInStorage(work, link.id, what, workspace);
    // Read after that: where its image was not to be had, the layer was built again.
    const record = facts.records.get(link.id);
    if (record === undefined) throw new BuildFailure(`its ${what} ${link.id} has no record`);
    return {
      image: { from, isExternal: false, inheritedLabels: record.inheritedLabels },
      recipe: { kind: 'layer', content: record.content },
    };
  }
  // Not from the decision's recipe: an Ansible layer of which no run is known has none.
  const manifest = externalDigest(id, link, use, facts, work.wish);
  if (manifest === undefined) {
    throw new BuildFailure(`its ${use === 'parent' ? 'parent image' : what} ${link.reference} was not found`, {
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

/** Id of a layer's image in local storage, where it is pulled to when only its key tag is known. */
async function imageInStorage(work: LayerWork, id: LayerId, what: string, workspace: Workspace): Promise<string> {
  const image = await work.imageOf(id, workspace);
  if (image !== undefined) return image.id;
  throw new BuildFailure(`the image of its ${what} ${id} is not in local storage`, {
    hint: `'layers build ${id}' makes it; without --only that happens by itself`,
  });
}
