import type { Destination } from '../config/destinations.ts';
import { hashOf } from '../recipe/canonical.ts';
import type { BootContents, BootNames } from './object-keys.ts';

/** What a root object says of itself, so that another machine knows it without reading it. Values are printable ASCII. */
export interface RootFacts extends BootNames {
  readonly contentDigest: string;
  /** `bootSettingsOf` the destination that it was made for. */
  readonly settings: string;
  readonly kernelSha256: string;
  readonly initramfsSha256: string;
}

type BootDestination = Extract<Destination, { kind: 's3' | 'file' }>;

/** Raised when equal content and options give another squashfs or another kernel. */
const VERSION = 1;

/**
 * Hex, 128 bits: what besides the content decides the three files. Name, prefix and tags are in the keys, and a new tag must not
 * make a new squashfs. Pure.
 */
function bootSettingsOf({ squashfsOptions, bootKernel }: BootDestination): string {
  return hashOf({ version: VERSION, squashfsOptions, bootKernel }).slice(0, 32);
}

export function rootFactsOf(
  contentDigest: string,
  destination: BootDestination,
  names: BootNames,
  contents: BootContents,
): RootFacts {
  return {
    ...names,
    contentDigest,
    settings: bootSettingsOf(destination),
    kernelSha256: contents.kernel.sha256,
    initramfsSha256: contents.initramfs.sha256,
  };
}

/** Whether a root holds this content, made with this destination's options, under a key of this `os`. Pure. */
export function isOfContent(
  facts: RootFacts | undefined,
  contentDigest: string,
  destination: BootDestination,
  os: string,
): facts is RootFacts {
  return facts?.contentDigest === contentDigest && facts.settings === bootSettingsOf(destination) && facts.os === os;
}

export function sameFacts(a: RootFacts | undefined, b: RootFacts): boolean {
  return a !== undefined && hashOf(a) === hashOf(b);
}
