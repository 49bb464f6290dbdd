import { resolve } from 'node:path';
import { BuildFailure } from '../build/builder.ts';
import type { ExternalImage } from '../graph/external-image.ts';
import { parseReference } from '../graph/reference.ts';
import { readManifest } from '../records/oci-layout.ts';
import { copyToStorage } from '../records/oci-pull.ts';
import type { Workspace } from '../system/workspace.ts';
import { layoutDigest } from './externals.ts';

/** An external parent as `buildah from` takes it, and the digest that it really has. */
interface PinnedParent {
  readonly from: string;
  readonly manifest: string;
}

/**
 * Finds the image that has the wanted digest, whatever its tag names by now. A registry is asked by digest; a layout on this disk and local
 * storage hold what they hold: where that is something else by now, the parent is what is there, and whoever calls compares.
 * Throws BuildFailure where there is nothing.
 */
export async function pinnedParent(image: ExternalImage, wanted: string, workspace: Workspace): Promise<PinnedParent> {
  const { reference } = image;
  const layout = /^oci:([^:]+)(?::(.+))?$/.exec(reference);
  if (layout?.[1] !== undefined)
    return fromLayout(image, resolve(workspace.root, layout[1]), layout[2], wanted, workspace);
  const pinned = pinnedReference(reference, wanted);
  if (pinned !== reference) return { from: pinned, manifest: wanted };
  const local = await workspace.buildah.inspect(reference);
  // A transport that only buildah reads (`dir:`, an archive): its digest was asked of the same file.
  return local === undefined ? { from: reference, manifest: wanted } : { from: local.id, manifest: local.digest };
}

/** By digest where the place knows digests, so that a tag that moves meanwhile changes nothing; else the reference as it is. */
export function pinnedReference(reference: string, manifest: string): string {
  const parsed = parseReference(reference);
  const isRemote = parsed !== undefined && parsed.transport === '' && !parsed.repository.startsWith('localhost/');
  return isRemote ? `${parsed.repository}@${manifest}` : reference;
}

async function fromLayout(
  { reference, architecture }: ExternalImage,
  folder: string,
  tag: string | undefined,
  wanted: string,
  workspace: Workspace,
): Promise<PinnedParent> {
  const held = await readManifest(folder, wanted).catch(() => undefined);
  const digest = held === undefined ? await layoutDigest(folder, tag ?? 'latest', architecture) : wanted;
  const manifest = held ?? (await readManifest(folder, digest));
  if (manifest === undefined) throw new BuildFailure(`its parent image ${reference} is damaged`);
  const { id } = await copyToStorage(folder, digest, manifest, workspace);
  return { from: id, manifest: digest };
}
