import type { Layer, LayerId } from '../config/layer.ts';
import type { KeptImage } from '../recipe/known-build.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { ImageGone } from '../records/image-gone.ts';
import { findShared, pullBuild } from '../records/layer-memory.ts';
import type { Workspace } from '../system/workspace.ts';
import { keptName } from './kept-name.ts';
import type { LayerWork } from './work-on-layer.ts';

/**
 * The recorded image of a layer in local storage, pulled by its digest where only its key tag is known. Throws ImageGone, after which
 * nothing claims any more that it is shared; CommandFailure where the place cannot be reached.
 */
export async function imageInStorage(
  work: Pick<LayerWork, 'facts' | 'graph' | 'memoryOf' | 'remember'>,
  id: LayerId,
  workspace: Workspace,
): Promise<KeptImage> {
  const record = work.facts.records.get(id);
  const layer = work.graph.layers.get(id) as Layer;
  if (record === undefined) throw new ImageGone(`${id} has no record`);
  const { local, shared } = record.image;
  // The record may be of another storage than the one that this run builds in.
  const isHere = local !== undefined && !work.facts.missingImages.has(id);
  if (isHere && (await workspace.buildah.store()).graphRoot === local.graphRoot) return local;
  if (shared === undefined) throw new ImageGone(`the image of ${id} is not in local storage any more`);
  // Where it is, which need not be where builds are shared by now.
  const memory = await work.memoryOf(layer, shared.place);
  if (memory.shared === undefined)
    throw new ImageGone(`the image of ${id} is in ${shared.place}, which is not to be used`);
  try {
    const pulled = await workspace.step(`pull ${id}`, () => pullBuild(memory, record, workspace));
    await workspace.buildah.tag(pulled.id, [keptName(id, record.recipeKey)]);
    const here: LayerRecord = { ...record, image: { ...record.image, local: pulled } };
    await work.remember(here);
    await memory.local?.keep({ ...here, layer, image: { ...here.image, local: pulled } }, workspace, { replace: true });
    return pulled;
  } catch (error) {
    if (!(error instanceof ImageGone)) throw error;
    const standing = await findShared(await work.memoryOf(layer), record.recipeKey);
    const isOther = standing?.image.shared !== undefined && standing.image.shared.digest !== shared.digest;
    if (isOther) {
      workspace.warn(`${error.message}: what another machine built since is used`);
      await work.remember({ ...record, ...standing });
      return imageInStorage(work, id, workspace);
    }
    const { shared: _gone, ...places } = record.image;
    await work.remember({ ...record, image: places });
    work.facts.builds.set(record.recipeKey, null);
    throw new ImageGone(`${error.message}: ${id} is built again`, { cause: error });
  }
}

/**
 * The image of a layer that another one stands on. One that is gone is built again, at once and only once however many children wait
 * for it; undefined where that is not this run's to do.
 */
export function parentImages(
  work: () => LayerWork,
  rebuild: (id: LayerId) => Promise<boolean>,
): (id: LayerId, workspace: Workspace) => Promise<KeptImage | undefined> {
  const coming = new Map<LayerId, Promise<KeptImage | undefined>>();
  const fetch = async (id: LayerId, workspace: Workspace): Promise<KeptImage | undefined> => {
    try {
      return await imageInStorage(work(), id, workspace);
    } catch (error) {
      if (!(error instanceof ImageGone)) throw error;
      workspace.warn(error.message);
      if (!work().wish.needed.has(id) || !(await rebuild(id))) return undefined;
      return work().facts.records.get(id)?.image.local;
    }
  };
  return (id, workspace) => {
    const known = coming.get(id);
    if (known !== undefined) return known;
    const fetched = fetch(id, workspace).finally(() => coming.delete(id));
    coming.set(id, fetched);
    return fetched;
  };
}
