import { createHash } from 'node:crypto';
import type { CannedAcl } from '../config/destinations.ts';
import type { FileContent } from './object-keys.ts';
import type { WantedPublication } from './publisher.ts';
import type { RootFacts } from './root-facts.ts';
import type { Metadata } from './s3-multipart.ts';
import type { StoredObject } from './s3-objects.ts';

/** S3 allows 2 KiB of user metadata in all; two kernels' names take at most 500 of it, digests and names of members 600. */
const LONGEST_LAYER = 512;

/** User metadata of an object; `root` only of roots. No server tells an ACL in the reply to a HEAD, so that it is said here. */
export function metadataOf(
  { layer, recipeKey, contentDigest }: WantedPublication,
  { sha256 }: FileContent,
  { root, acl }: { readonly root?: RootFacts; readonly acl: CannedAcl | undefined },
): Metadata {
  const own = {
    sha256,
    'recipe-key': recipeKey,
    'content-digest': contentDigest,
    layer: ownerOf(layer.id),
    ...(acl ? { acl } : {}),
  };
  if (root === undefined) return own;
  return {
    ...own,
    settings: root.settings,
    os: root.os,
    kernel: root.kernel,
    'kernel-sha256': root.kernelSha256,
    initramfs: root.initramfs,
    'initramfs-sha256': root.initramfsSha256,
  };
}

/** What a stored root says of itself; undefined where it does not say all of it. */
export function rootFactsIn({ metadata }: StoredObject): RootFacts | undefined {
  const { settings, os, kernel, initramfs } = metadata;
  const contentDigest = metadata['content-digest'];
  const kernelSha256 = metadata['kernel-sha256'];
  const initramfsSha256 = metadata['initramfs-sha256'];
  if (!contentDigest || !settings || !os || !kernel || !kernelSha256 || !initramfs || !initramfsSha256)
    return undefined;
  return { contentDigest, settings, os, kernel, kernelSha256, initramfs, initramfsSha256 };
}

/** A layer's id in ASCII. A very long one is its hash. */
export function ownerOf(layerId: string): string {
  const text = encodeURI(layerId);
  return text.length <= LONGEST_LAYER ? text : `sha256:${createHash('sha256').update(layerId).digest('hex')}`;
}

/** The layer's id again, as far as that can be. */
export function layerOf(owner: string): string {
  try {
    return decodeURI(owner);
  } catch {
    return owner;
  }
}

/** What the server says of an object against what it should be. Neither ETags nor checksums come back from every server. */
export function isThere(stored: StoredObject | undefined, { size, sha256 }: FileContent): boolean {
  return stored !== undefined && stored.size === size && stored.metadata.sha256 === sha256;
}
