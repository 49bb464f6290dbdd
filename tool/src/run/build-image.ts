import type { Stats } from 'node:fs';
import { relative, resolve } from 'node:path';
import { BuildFailure, type BuildPart, type BuildReport, type BuildTarget } from '../build/builder.ts';
import { builderFor } from '../build/builders.ts';
import { treeDigest, withConfiguration } from '../build/content-digest.ts';
import { imageSettings } from '../build/image-settings.ts';
import { openscapResults } from '../build/openscap-settings.ts';
import { mayHoldLeftOut } from '../build/what-counts.ts';
import type { Layer } from '../config/layer.ts';
import { resolveSource } from '../inputs/copyfiles.ts';
import type { Checkpoint } from '../recipe/checkpoint.ts';
import type { KeptImage } from '../recipe/known-build.ts';
import type { ContentDigest } from '../recipe/recipe.ts';
import type { ImageInfo, ImageSettings } from '../system/buildah.ts';
import { resolveInRoot } from '../system/in-root.ts';
import type { Workspace } from '../system/workspace.ts';
import { furthest, type LayerCheckpoints, withoutEarlier } from './checkpoints.ts';
import { type Committed, commitContainer } from './commit.ts';
import { CopiedTimes } from './copied-times.ts';
import {
  type FromImage,
  inheritedLabels,
  type ParentImage,
  type StartedContainer,
  startOnImage,
  startOnParent,
  startTools,
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

interface BuildInputs {
  /** Digests of the layer's files. */
  readonly files: Readonly<Record<string, string>>;
  /** Copies of sources whose modes on disk are not the ones that count. */
  readonly staged: ReadonlyMap<string, string>;
  /** Absent: all of the layer becomes one layer of the image, and nothing but that image is left. */
  readonly checkpoints?: LayerCheckpoints;
}

/** What a layer is made with. */
export interface BuildImages {
  readonly parent: ParentImage;
  /** Its package manager works on the layer. */
  readonly tools?: FromImage;
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

/** What all parts of a layer need. */
interface Building {
  readonly layer: Layer;
  readonly images: BuildImages;
  readonly inputs: BuildInputs;
  /** Of the image, and of those that it is made from on the way. */
  readonly labels: Readonly<Record<string, string>>;
  readonly workspace: Workspace;
}

interface Made extends Committed {
  /** `treeDigest` of the whole root. */
  readonly tree: string;
  readonly report: BuildReport;
}

/** Undivided, a layer is one part. One with nothing to do still gets an image of its own. */
function partsOf(layer: Layer, { from }: ParentImage, isDivided: boolean): readonly BuildPart[] {
  const builder = builderFor(layer);
  const parts = isDivided ? (builder.parts?.(layer, from === 'scratch') ?? []) : [];
  const whole: BuildPart = { name: 'commands', build: (target, workspace) => builder.build(target, workspace) };
  return parts.length > 0 ? parts : [whole];
}

/** `moved`: what the checkpoint has from a repository is not what a later part found there. */
async function makeParts(
  parts: readonly BuildPart[],
  begun: { readonly started: StartedContainer; readonly checkpoint?: Checkpoint },
  building: Building,
): Promise<Made | 'moved'> {
  const { inputs, workspace } = building;
  const { checkpoint } = begun;
  const builtAt = checkpoint?.builtAt ?? new Date().toISOString();
  let repositories = checkpoint?.repositories ?? {};
  let on =
    checkpoint === undefined ? inputs.checkpoints?.ground : { part: checkpoint.part, image: checkpoint.image.id };
  let { started } = begun;
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    const made = await makePart(part, started, isLast, building);
    const used = made.report.repositories ?? {};
    const isKnown = ([url, digest]: [string, string]) => (checkpoint?.repositories[url] ?? digest) === digest;
    if (!Object.entries(used).every(isKnown)) return 'moved';
    repositories = { ...repositories, ...used };
    if (part.name !== 'commands' && on !== undefined) {
      const image = await keptImage(made.info, workspace);
      await inputs.checkpoints?.keep(part.name, on, { image, builtAt, repositories });
      on = { part: part.name, image: image.id };
    }
    if (isLast) return { ...made, report: { ...made.report, repositories } };
    await workspace.buildah.remove(started.container);
    started = await continueOn(made.info.id, workspace);
  }
  throw new Error('a layer has no parts');
}

/** Runs one part in its container and commits it. Only the last one needs the digest of what is there by then. */
async function makePart(
  part: BuildPart,
  started: StartedContainer,
  isLast: boolean,
  building: Building,
): Promise<Made> {
  const { layer, images, inputs, labels, workspace } = building;
  const tools = await toolsFor(part, building);
  workspace.growsIn(started.container);
  const copied = new CopiedTimes();
  const target: BuildTarget = {
    layer,
    container: started.container,
    mountPoint: started.mountPoint,
    fromScratch: images.parent.from === 'scratch',
    ...(tools && { tools }),
    resolve: (path) => inputs.staged.get(path) ?? resolveSource(workspace.root, layer.file, path),
  };
  const report = await part.build(target, { ...workspace, buildah: copied.watching(workspace.buildah) });
  if (tools !== undefined) await workspace.buildah.remove(tools);
  return workspace.step(isLast ? 'commit' : `commit ${part.name}`, async () => {
    // Package managers copy nothing of a tree.
    if (part.name !== 'packages') for (const file of playedFiles(inputs.files, report, workspace)) copied.add(file);
    const isCopied = (stats: Stats) => copied.has(stats);
    const digest = async () => (isLast ? digestTree(layer, inputs.files, started.mountPoint, workspace) : '');
    const [committed, tree] = await commitContainer({ ...started, isCopied }, labels, workspace, digest);
    return { ...committed, tree, report };
  });
}

/** Name of a container of the tools image, for a part in which something is installed. */
async function toolsFor(
  { name }: BuildPart,
  { layer, images: { tools }, inputs, workspace }: Building,
): Promise<string | undefined> {
  const installs = name === 'packages' || inputs.checkpoints === undefined || layer.options.install_scap;
  return installs && tools ? workspace.step('tools image', () => startTools(layer, tools, workspace)) : undefined;
}

/** Nothing comes after the checkpoint: its image is the layer's. */
async function asItIs(checkpoint: Checkpoint, started: StartedContainer, building: Building): Promise<Made> {
  const { layer, inputs, workspace } = building;
  const { repositories, image } = checkpoint;
  const tree = await workspace.step('digest', () => digestTree(layer, inputs.files, started.mountPoint, workspace));
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

async function continueOn(image: string, workspace: Workspace): Promise<StartedContainer> {
  const started = await startOnImage(image, workspace);
  if (started === undefined) throw new BuildFailure(`the image ${image} is not in local storage any more`);
  return started;
}

async function keptImage({ id, size }: ImageInfo, { buildah }: Workspace): Promise<KeptImage> {
  return { id, size, ...(await buildah.store()) };
}

const SYSTEM = /^\/(usr|lib|lib64)\//;

/** Files of the tree that Ansible may have copied: times of what lies in the system are those of packages. */
function* playedFiles(
  files: Readonly<Record<string, string>>,
  { trace }: BuildReport,
  { root }: Workspace,
): Iterable<string> {
  for (const name of Object.keys(files)) yield resolve(root, name);
  for (const file of trace?.read ?? []) if (!SYSTEM.test(file)) yield file;
}

/** Files that the layer file itself puts where content is left out count by their sources. */
async function digestTree(
  layer: Layer,
  files: Readonly<Record<string, string>>,
  root: string,
  { exec, temporary, signal }: Workspace,
): Promise<string> {
  const isLeftOut = layer.copyfiles.some(({ dest }) => mayHoldLeftOut(dest));
  const dated = new Set<string>();
  for (const result of openscapResults(layer)) {
    const file = await resolveInRoot(root, result);
    if (file !== undefined) dated.add(Buffer.from(relative(root, file)).toString('latin1'));
  }
  return treeDigest({ root, declared: isLeftOut ? files : {}, dated, exec, temporary, signal });
}
