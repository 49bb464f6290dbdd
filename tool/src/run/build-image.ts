import type { Stats } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { BuildFailure, type BuildReport, type BuildTarget } from '../build/builder.ts';
import { builderFor } from '../build/builders.ts';
import { clampTimes } from '../build/clamp.ts';
import { treeDigest, withConfiguration } from '../build/content-digest.ts';
import { imageSettings } from '../build/image-settings.ts';
import { lostAttributes, lostWarning } from '../build/lost-attributes.ts';
import { openscapResults } from '../build/openscap-settings.ts';
import { mayHoldLeftOut } from '../build/what-counts.ts';
import type { Layer } from '../config/layer.ts';
import { resolveSource } from '../inputs/copyfiles.ts';
import type { KeptImage } from '../recipe/known-build.ts';
import type { ContentDigest } from '../recipe/recipe.ts';
import { resolveInRoot } from '../system/in-root.ts';
import { registryOptions } from '../system/registry-options.ts';
import type { Workspace } from '../system/workspace.ts';
import { CopiedTimes } from './copied-times.ts';

/** What the layer stands on, as buildah takes it. */
export interface ParentImage {
  /** `scratch`, an image id, or a reference pinned by digest where that is possible. */
  readonly from: string;
  /** An external parent's own labels are inherited; those of a layer in the tree belong to its publication. */
  readonly isExternal: boolean;
  /** Labels handed down from an external ancestor. */
  readonly inheritedLabels: Readonly<Record<string, string>>;
}

export interface BuiltImage {
  readonly content: ContentDigest;
  readonly image: KeptImage;
  readonly inheritedLabels: Readonly<Record<string, string>>;
  /** ISO 8601, whole seconds: no file that this build wrote is later, and the image's `created`. Equal for equal inputs. */
  readonly date: string;
  /** What the builder says it used. */
  readonly report: BuildReport;
}

const CLOCK_SLACK_MS = 1000;
const SYSTEM = /^\/(usr|lib|lib64)\//;

/**
 * One layer → one image in local storage, without a name. The container is removed whatever happens. Throws CommandFailure and
 * BuildFailure. `files`: the layer's input digests;
 * `staged`: copies of sources whose modes on disk are not the ones that count.
 */
export async function buildImage(
  layer: Layer,
  parent: ParentImage,
  files: Readonly<Record<string, string>>,
  staged: ReadonlyMap<string, string>,
  workspace: Workspace,
): Promise<BuiltImage> {
  const { buildah } = workspace;
  // Times of files may be a little older than the clock says.
  const since = Date.now() - CLOCK_SLACK_MS;
  const container = await workspace.step('parent', () => startFrom(layer, parent, workspace));
  workspace.growsIn(container);
  const origin = await buildah.origin(container);
  const inheritedLabels = parent.isExternal ? ownLabels(origin.labels) : parent.inheritedLabels;
  const mountPoint = await buildah.mount(container);
  if (parent.from === 'scratch' && layer.architecture !== undefined) {
    await buildah.config(container, ['--arch', layer.architecture]);
  }
  // Container storage makes the root of an empty container read-only for its owner, which no distribution does.
  if (parent.from === 'scratch') await chmod(mountPoint, 0o755);
  const target: BuildTarget = {
    layer,
    container,
    mountPoint,
    fromScratch: parent.from === 'scratch',
    resolve: (path) => staged.get(path) ?? resolveSource(workspace.root, layer.file, path),
  };
  const copied = new CopiedTimes();
  const report = await builderFor(layer).build(target, { ...workspace, buildah: copied.watching(buildah) });
  return workspace.step('commit', async () => {
    for (const file of playedFiles(files, report, workspace)) copied.add(file);
    const parentDate = secondsOf(origin.created);
    const isCopied = (stats: Stats) => copied.has(stats);
    const seconds = await clampTimes({ root: mountPoint, since, ...parentDate, isCopied, signal: workspace.signal });
    const date = new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
    const lost = lostWarning(await lostAttributes(mountPoint, workspace.exec));
    if (lost !== undefined) workspace.warn(lost);
    // A commit does not change the container, so that both can read it at the same time.
    const [committed, tree] = await Promise.all([
      buildah.commit(container),
      digestTree(layer, files, mountPoint, workspace),
    ]);
    const id = await buildah.relabel(committed, inheritedLabels, {
      created: date,
      settings: (inherited) => imageSettings(layer.image_config, inherited),
    });
    const [info, store] = await Promise.all([buildah.inspect(id), buildah.store()]);
    if (info === undefined) throw new BuildFailure(`buildah committed the image ${id} and does not know it now`);
    const content = withConfiguration(tree, info.config) as ContentDigest;
    return { content, image: { id, size: info.size, ...store }, inheritedLabels, date, report };
  });
}

/** Files of the tree that Ansible may have copied: times of what lies in the system are those of packages. */
function* playedFiles(
  files: Readonly<Record<string, string>>,
  { trace }: BuildReport,
  { root }: Workspace,
): Iterable<string> {
  for (const name of Object.keys(files)) yield resolve(root, name);
  for (const file of trace?.read ?? []) if (!SYSTEM.test(file)) yield file;
}

/** Nothing where a parent does not say when it was made. */
function secondsOf(created: string | undefined): { parentDate?: number } {
  const seconds = Math.floor(Date.parse(created ?? '') / 1000);
  return Number.isNaN(seconds) ? {} : { parentDate: seconds };
}

async function startFrom(layer: Layer, parent: ParentImage, workspace: Workspace): Promise<string> {
  const { buildah, root } = workspace;
  if (!parent.isExternal) return buildah.from(parent.from, { pull: 'never' });
  const oci = parent.from.match(/^oci:([^:]+)(.*)$/);
  const reference = oci === null ? parent.from : `oci:${resolve(root, oci[1] ?? '')}${oci[2]}`;
  const { registry_opts_pull: words } = layer.options;
  const options = await registryOptions(words, { repository: reference, temporary: workspace.temporary, root });
  const platform = layer.architecture === undefined ? [] : ['--arch', layer.architecture];
  return buildah.from(reference, { pull: 'missing', args: [...options.buildah, ...platform] });
}

/** What an image from elsewhere hands down: not what describes itself, nor what wrote it. */
function ownLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const handedDown = ([name]: [string, string]) =>
    !name.startsWith('org.openchami.image.') && name !== 'io.buildah.version';
  return Object.fromEntries(Object.entries(labels).filter(handedDown));
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
