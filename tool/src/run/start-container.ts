import { chmod } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Layer } from '../config/layer.ts';
import { CommandFailure } from '../system/command.ts';
import { registryOptions } from '../system/registry-options.ts';
import type { Workspace } from '../system/workspace.ts';

/** An image as buildah takes it. */
export interface FromImage {
  /** `scratch`, an image id, or a reference pinned by digest where that is possible. */
  readonly from: string;
  /** From elsewhere, and perhaps to be pulled. */
  readonly isExternal: boolean;
}

/** What the layer stands on. An external parent's own labels are inherited; those of a layer in the tree belong to its publication. */
export interface ParentImage extends FromImage {
  /** Labels handed down from an external ancestor. */
  readonly inheritedLabels: Readonly<Record<string, string>>;
}

/** What a layer is made with. */
export interface BuildImages {
  readonly parent: ParentImage;
  /** Its package manager works on the layer. */
  readonly tools?: FromImage;
}

/** A working container, its root mounted. */
export interface StartedContainer {
  readonly container: string;
  /** Absolute. */
  readonly mountPoint: string;
  /** Of the image that it was made from. */
  readonly labels: Readonly<Record<string, string>>;
  /** ISO 8601, as far as that image says it. */
  readonly created: string | undefined;
  /** Milliseconds since 1970: nothing that will be written into it is older. */
  readonly since: number;
}

const CLOCK_SLACK_MS = 1000;

/** A container from the layer's parent, pulled where it is not in storage. Throws CommandFailure. */
export async function startOnParent(
  layer: Layer,
  parent: ParentImage,
  workspace: Workspace,
): Promise<StartedContainer> {
  const started = await start(() => fromImage(layer, parent, workspace), workspace);
  if (parent.from === 'scratch' && layer.architecture !== undefined) {
    await workspace.buildah.config(started.container, ['--arch', layer.architecture]);
  }
  // Container storage makes the root of an empty container read-only for its owner, which no distribution does.
  if (parent.from === 'scratch') await chmod(started.mountPoint, 0o755);
  return started;
}

/**
 * A container for programs that work on another container's root, which has labels of its own where SELinux is on. Gives its name.
 * Throws CommandFailure.
 */
export function startTools(layer: Layer, image: FromImage, workspace: Workspace): Promise<string> {
  return fromImage(layer, image, workspace, ['--security-opt', 'label=disable']);
}

/** A container from an image of this storage; undefined where that is not whole any more. */
export async function startOnImage(id: string, workspace: Workspace): Promise<StartedContainer | undefined> {
  try {
    return await start(() => workspace.buildah.from(id, { pull: 'never' }), workspace);
  } catch (error) {
    workspace.signal.throwIfAborted();
    if (error instanceof CommandFailure && error.reason === 'exit') return undefined;
    throw error;
  }
}

async function start(from: () => Promise<string>, { buildah }: Workspace): Promise<StartedContainer> {
  // Times of files may be a little older than the clock says.
  const since = Date.now() - CLOCK_SLACK_MS;
  const container = await from();
  const origin = await buildah.origin(container);
  return { container, mountPoint: await buildah.mount(container), created: undefined, ...origin, since };
}

async function fromImage(
  layer: Layer,
  image: FromImage,
  workspace: Workspace,
  args: readonly string[] = [],
): Promise<string> {
  const { buildah, root } = workspace;
  if (!image.isExternal) return buildah.from(image.from, { pull: 'never', args });
  const oci = image.from.match(/^oci:([^:]+)(.*)$/);
  const reference = oci === null ? image.from : `oci:${resolve(root, oci[1] ?? '')}${oci[2]}`;
  const { registry_opts_pull: words } = layer.options;
  const options = await registryOptions(words, { repository: reference, temporary: workspace.temporary, root });
  const platform = layer.architecture === undefined ? [] : ['--arch', layer.architecture];
  return buildah.from(reference, { pull: 'missing', args: [...args, ...options.buildah, ...platform] });
}

/** Labels that the layer's image has and its children inherit: of an image from elsewhere not what describes itself, nor what wrote it. */
export function inheritedLabels(
  { isExternal, inheritedLabels: known }: ParentImage,
  { labels }: StartedContainer,
): Readonly<Record<string, string>> {
  if (!isExternal) return known;
  const handedDown = ([name]: [string, string]) =>
    !name.startsWith('org.openchami.image.') && name !== 'io.buildah.version';
  return Object.fromEntries(Object.entries(labels).filter(handedDown));
}
