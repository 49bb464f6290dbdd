import type { Stats } from 'node:fs';
import { resolve } from 'node:path';
import { BuildFailure, type BuildPart, type BuildReport, type BuildTarget } from '../build/builder.ts';
import { refuseUnknownUser } from '../build/image-user.ts';
import type { Layer } from '../config/layer.ts';
import { resolveSource } from '../inputs/copyfiles.ts';
import type { Checkpoint } from '../recipe/checkpoint.ts';
import type { KeptImage } from '../recipe/known-build.ts';
import type { ImageInfo } from '../system/buildah.ts';
import type { Workspace } from '../system/workspace.ts';
import type { LayerCheckpoints } from './checkpoints.ts';
import { type Committed, commitContainer } from './commit.ts';
import { CopiedTimes } from './copied-times.ts';
import { digestRoot } from './root-digest.ts';
import { type BuildImages, type StartedContainer, startOnImage, startTools } from './start-container.ts';

export interface BuildInputs {
  /** Digests of the layer's files. */
  readonly files: Readonly<Record<string, string>>;
  /** Copies of sources whose modes on disk are not the ones that count. */
  readonly staged: ReadonlyMap<string, string>;
  /** Absent: all of the layer becomes one layer of the image, and nothing but that image is left. */
  readonly checkpoints?: LayerCheckpoints;
}

/** What all parts of a layer need. */
export interface Building {
  readonly layer: Layer;
  readonly images: BuildImages;
  readonly inputs: BuildInputs;
  /** Of the image, and of those that it is made from on the way. */
  readonly labels: Readonly<Record<string, string>>;
  readonly workspace: Workspace;
}

export interface Made extends Committed {
  /** `treeDigest` of the whole root. */
  readonly tree: string;
  readonly report: BuildReport;
}

/** Makes the parts that no checkpoint has, one on the other, and keeps checkpoints of them. `moved`: what the checkpoint has from a repository is not what a later part found there. */
export async function makeParts(
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
  if (isLast) await refuseUnknownUser(layer.image_config.user, started.mountPoint);
  return workspace.step(isLast ? 'commit' : `commit ${part.name}`, async () => {
    // Package managers copy nothing of a tree.
    if (part.name !== 'packages') for (const file of playedFiles(inputs.files, report, workspace)) copied.add(file);
    const isCopied = (stats: Stats) => copied.has(stats);
    const digest = async () => (isLast ? digestRoot(layer, inputs.files, started.mountPoint, workspace) : '');
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

async function continueOn(image: string, workspace: Workspace): Promise<StartedContainer> {
  const started = await startOnImage(image, workspace);
  if (started === undefined) throw new BuildFailure(`the image ${image} is not in local storage any more`);
  return started;
}

export async function keptImage({ id, size }: ImageInfo, { buildah }: Workspace): Promise<KeptImage> {
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
