import { BuildFailure, type BuildPart, type BuildReport } from '../build/builder.ts';
import { builderFor } from '../build/builders.ts';
import { withConfiguration } from '../build/content-digest.ts';
import { imageSettings } from '../build/image-settings.ts';
import { refuseUnknownUser } from '../build/image-user.ts';
import type { Layer } from '../config/layer.ts';
import type { Checkpoint } from '../recipe/checkpoint.ts';
import type { KeptImage } from '../recipe/known-build.ts';
import type { ContentDigest } from '../recipe/recipe.ts';
import type { ImageInfo, ImageSettings } from '../system/buildah.ts';
import type { Workspace } from '../system/workspace.ts';
import { furthest, withoutEarlier } from './checkpoints.ts';
import { type BuildInputs, type Building, keptImage, type Made, makeParts } from './make-parts.ts';
import { digestRoot } from './root-digest.ts';
import {
  type BuildImages,
  inheritedLabels,
  type ParentImage,
  type StartedContainer,
  startOnImage,
  startOnParent,
} from './start-container.ts';

export interface BuiltImage {
  readonly content: ContentDigest;
  readonly image: KeptImage;
  readonly inheritedLabels: Readonly<Record<string, string>>;
  /** ISO 8601, whole seconds: no file that this build wrote is later, and the image's `created`. Equal for equal inputs. */
  readonly date: string;
  /** What the builder says it used. */
  readonly report: BuildReport;
  /** The checkpoint that it began with. */
  readonly startedFrom?: Checkpoint;
}

/**
 * One layer → one image in local storage, without a name. With checkpoints each part of it is a file system layer of its own, whether it
 * is built now or was built before: equal recipes give equal images. The workspace removes the containers. Throws CommandFailure
 * and BuildFailure.
 */
export async function buildImage(
  layer: Layer,
  images: BuildImages,
  inputs: BuildInputs,
  workspace: Workspace,
): Promise<BuiltImage> {
  const { parent } = images;
  const { checkpoints } = inputs;
  const parts = partsOf(layer, parent, checkpoints !== undefined);
  const { checkpoint, remaining } = await furthest(parts, checkpoints);
  const anew = (why: string) => {
    workspace.say(`${why}: all of it is built`);
    return buildImage(layer, images, { ...inputs, ...withoutEarlier(checkpoints) }, workspace);
  };
  if (checkpoint !== undefined) {
    const names = parts.filter((part) => !remaining.includes(part)).map(({ name }) => name);
    workspace.startsFrom(names, checkpoint.builtAt);
  }
  const started = await workspace.step(checkpoint === undefined ? 'parent' : 'checkpoint', () =>
    checkpoint === undefined ? startOnParent(layer, parent, workspace) : startOnImage(checkpoint.image.id, workspace),
  );
  if (started === undefined) {
    if (checkpoint !== undefined) await checkpoints?.forget(checkpoint);
    return anew('the image of the checkpoint cannot be used');
  }
  const labels = inheritedLabels(parent, started);
  const building = { layer, images, inputs, labels, workspace };
  const made =
    remaining.length === 0
      ? await asItIs(checkpoint as Checkpoint, started, building)
      : await makeParts(remaining, { started, ...(checkpoint && { checkpoint }) }, building);
  if (made === 'moved') return anew('a package repository has moved since the checkpoint');
  const info = await withSettings(made.info, building);
  return {
    content: withConfiguration(made.tree, info.config) as ContentDigest,
    image: await keptImage(info, workspace),
    inheritedLabels: labels,
    date: made.date,
    report: made.report,
    ...(checkpoint && { startedFrom: checkpoint }),
  };
}

/** Undivided, a layer is one part. One with nothing to do still gets an image of its own. */
function partsOf(layer: Layer, { from }: ParentImage, isDivided: boolean): readonly BuildPart[] {
  const builder = builderFor(layer);
  const parts = isDivided ? (builder.parts?.(layer, from === 'scratch') ?? []) : [];
  const whole: BuildPart = { name: 'commands', build: (target, workspace) => builder.build(target, workspace) };
  return parts.length > 0 ? parts : [whole];
}

/** Nothing comes after the checkpoint: its image is the layer's. */
async function asItIs(checkpoint: Checkpoint, started: StartedContainer, building: Building): Promise<Made> {
  const { layer, inputs, workspace } = building;
  const { repositories, image } = checkpoint;
  await refuseUnknownUser(layer.image_config.user, started.mountPoint);
  const tree = await workspace.step('digest', () => digestRoot(layer, inputs.files, started.mountPoint, workspace));
  return { info: await inStorage(image.id, workspace), tree, date: started.created ?? '', report: { repositories } };
}

/** How containers of the image start is no matter of its parts: they are built as if nothing was said. */
async function withSettings(info: ImageInfo, { layer, labels, workspace }: Building): Promise<ImageInfo> {
  if (Object.keys(layer.image_config).length === 0) return info;
  const settings = (inherited: ImageSettings) => imageSettings(layer.image_config, inherited);
  const id = await workspace.buildah.relabel(info.id, labels, { settings });
  return inStorage(id, workspace);
}

async function inStorage(id: string, { buildah }: Workspace): Promise<ImageInfo> {
  const info = await buildah.inspect(id);
  if (info === undefined) throw new BuildFailure(`the image ${id} is not in local storage any more`);
  return info;
}
