import type { OutdatedPackage } from '../build/outdated-packages.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { type ExternalImage, externalKey } from '../graph/external-image.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import type { RecipeParent } from '../recipe/recipe.ts';
import type { LayerRecord } from '../recipe/record.ts';
import type { Workspace } from '../system/workspace.ts';
import { repositoriesNow } from './drift.ts';
import type { AskingEntries } from './lock-entries.ts';
import type { FromImage } from './start-container.ts';
import type { Throwaway } from './throwaway.ts';

/** What moved outside since a layer was last built here. Plain JSON, the shape of `outdated --json`. */
export interface OutdatedLayer {
  readonly id: LayerId;
  readonly name: string;
  /** An external parent whose tag moved. */
  readonly parent?: MovedImage;
  /** A tools image from elsewhere whose tag moved. */
  readonly tools?: MovedImage;
  /** `inherited`: the layer's parent used the same repository, so that it is outdated for the same reason. */
  readonly repositories: readonly {
    readonly url: string;
    readonly from: string;
    readonly to: string;
    readonly inherited: boolean;
  }[];
  /** Where the package manager could tell; asked only of layers with something that moved. */
  readonly packages?: readonly (OutdatedPackage & { readonly inherited: boolean })[];
  /** Why less is said than could be. */
  readonly note?: string;
}

interface MovedImage {
  readonly reference: string;
  readonly from: string;
  readonly to: string;
}

export function hasMoved({ parent, tools, repositories }: OutdatedLayer): boolean {
  return parent !== undefined || tools !== undefined || repositories.length > 0;
}

/**
 * Looks outside for each layer, in build order, and changes nothing.
 * @param packagesOf packages of a layer's image that its repositories have newer; undefined where nobody can tell
 */
export async function outdatedLayers(
  ids: ReadonlySet<LayerId>,
  recordOf: (id: LayerId) => LayerRecord | undefined,
  asking: AskingEntries,
  packagesOf: (layer: Layer, record: LayerRecord) => Promise<readonly OutdatedPackage[] | string>,
): Promise<{ layers: OutdatedLayer[]; problems: readonly string[] }> {
  const { graph } = asking;
  const chosen = graph.order.filter((id) => ids.has(id));
  const records = new Map(graph.order.map((id) => [id, recordOf(id)]));
  const urls = new Map(chosen.map((id) => [id, Object.keys(records.get(id)?.repositories ?? {})]));
  const now = await repositoriesNow(urls, asking);
  const images = new Map<string, Promise<string | undefined>>();
  const layers: OutdatedLayer[] = [];
  for (const id of chosen) {
    const { name } = (graph.layers.get(id) as Layer).options;
    const record = records.get(id);
    const link = graph.parents.get(id);
    if (record === undefined) {
      layers.push({ id, name, repositories: [], note: 'not built here' });
      continue;
    }
    const above = link?.kind === 'layer' ? (records.get(link.id)?.repositories ?? {}) : {};
    const architecture = link?.kind === 'external' ? link.architecture : undefined;
    const repositories = Object.entries(record.repositories).flatMap(([url, from]) => {
      const to = now.digests.get(id)?.get(url) ?? from;
      return to === from ? [] : [{ url, from, to, inherited: Object.hasOwn(above, url) }];
    });
    const { parent: ofParent, toolsImage } = record.recipe;
    const parent = await movedImage(record.externalParent, ofParent, architecture);
    const tools = await movedImage(record.externalTools, toolsImage, architecture);
    layers.push({ id, name, ...(parent && { parent }), ...(tools && { tools }), repositories });
  }
  await withPackages();
  return { layers, problems: now.problems.map(({ message }) => message) };

  async function movedImage(
    reference: string | undefined,
    used: RecipeParent | undefined,
    architecture: ExternalImage['architecture'],
  ): Promise<MovedImage | undefined> {
    if (reference === undefined || used?.kind !== 'external') return undefined;
    const image = { reference, ...(architecture && { architecture }) };
    const asked = images.get(externalKey(image)) ?? asking.imageNow(image);
    images.set(externalKey(image), asked);
    const [from, to] = [used.manifest, await asked];
    return to === undefined || to === from ? undefined : { reference, from, to };
  }

  /** One after the other: each is a container and a package manager at work. */
  async function withPackages(): Promise<void> {
    const found = new Map<LayerId, readonly OutdatedPackage[]>();
    for (const [index, layer] of layers.entries()) {
      const record = records.get(layer.id);
      if (record === undefined || !hasMoved(layer)) continue;
      const packages = await packagesOf(graph.layers.get(layer.id) as Layer, record);
      if (typeof packages === 'string') {
        layers[index] = { ...layer, note: packages };
        continue;
      }
      found.set(layer.id, packages);
      const link = graph.parents.get(layer.id);
      const above = link?.kind === 'layer' ? (found.get(link.id) ?? []) : [];
      const isAbove = (one: OutdatedPackage) =>
        above.some((other) => other.name === one.name && other.from === one.from);
      layers[index] = { ...layer, packages: packages.map((one) => ({ ...one, inherited: isAbove(one) })) };
    }
  }
}

/** Asks inside a container of the recorded image, which is removed. A text says why nobody can tell. */
export async function packagesInside(
  layer: Layer,
  record: LayerRecord,
  {
    throwaway,
    resolve,
    toolsOf,
  }: {
    readonly throwaway: Throwaway;
    readonly resolve: (file: string) => string;
    /** The image of the layer's tools image as it was used; a text says why it is not to be had. */
    toolsOf(workspace: Workspace): Promise<FromImage | string | undefined>;
  },
): Promise<readonly OutdatedPackage[] | string> {
  const { local } = record.image;
  if (local === undefined) return 'its image is not in local storage, so its packages cannot be looked at';
  const workspace = throwaway.workspace(layer.id);
  const { buildah } = workspace;
  if ((await buildah.inspect(local.id)) === undefined) {
    return 'its image is not in local storage any more, so its packages cannot be looked at';
  }
  const { outdatedPackages } = await import('../build/outdated-packages.ts');
  const { startTools } = await import('./start-container.ts');
  const containers = [await buildah.from(local.id, { pull: 'never' })];
  const [container] = containers as [string];
  try {
    const image = await toolsOf(workspace);
    if (typeof image === 'string') return image;
    if (image !== undefined) containers.push(await startTools(layer, image, workspace));
    const [, tools] = containers;
    const mountPoint = await buildah.mount(container);
    const target = { layer, container, mountPoint, fromScratch: false, resolve, ...(tools && { tools }) };
    return (await outdatedPackages(target, workspace)) ?? 'its image has no package manager that could tell more';
  } catch (error) {
    workspace.signal.throwIfAborted();
    return `its package manager could not tell: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    for (const one of containers) await buildah.remove(one);
  }
}

/** The image that made a recorded build, if one did. */
export async function recordedTools(
  { id, architecture }: Layer,
  { externalTools, recipe: { toolsImage } }: LayerRecord,
  { graph, recordOf }: { readonly graph: LayerGraph; recordOf(id: LayerId): LayerRecord | undefined },
  workspace: Workspace,
): Promise<FromImage | string | undefined> {
  if (toolsImage === undefined) return undefined;
  const link = graph.tools.get(id);
  if (toolsImage.kind === 'layer') {
    const local = link?.kind === 'layer' ? recordOf(link.id)?.image.local : undefined;
    return local === undefined
      ? 'its tools image is not in local storage, so its packages cannot be looked at'
      : { from: local.id, isExternal: false };
  }
  const { pinnedParent } = await import('./external-parent.ts');
  const image = { reference: externalTools ?? '', ...(architecture && { architecture }) };
  const { from } = await pinnedParent(image, toolsImage.manifest, workspace);
  return { from, isExternal: true };
}
