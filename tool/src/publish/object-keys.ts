import type { BootArtefacts, LocalFile } from './publisher.ts';

/** Which of an image's boot artefacts an object holds. */
export type ObjectKind = 'root' | 'kernel' | 'initramfs';

export interface BootObject {
  readonly kind: ObjectKind;
  readonly key: string;
}

interface KeySettings {
  readonly prefix: string;
  readonly name: string;
  readonly tags: readonly string[];
}

/**
 * The contract's keys, and no others: sites find objects by listing a prefix, so that one more breaks their scripts. Kernel and
 * initramfs come first: a root that is there before its kernel boots nothing. Pure.
 */
export function objectsOf({ prefix, name, tags }: KeySettings, boot: BootArtefacts): BootObject[] {
  return [
    { kind: 'kernel', key: `efi-images/${prefix}vmlinuz-${boot.kernelVersion}` },
    { kind: 'initramfs', key: `efi-images/${prefix}${boot.initramfsName}` },
    ...tags.map((tag) => ({ kind: 'root' as const, key: `${prefix}${boot.osId}${boot.osVersion}-${name}-${tag}` })),
  ];
}

/** The file that an object gets. */
export function fileOf(boot: BootArtefacts, kind: ObjectKind): LocalFile {
  return { root: boot.squashfs, kernel: boot.kernel, initramfs: boot.initramfs }[kind];
}

/** The warning when an object of another layer is about to get other content; undefined where the owner is us or not known. */
export function overwritten(key: string, before: string | undefined, now: string): string | undefined {
  if (before === undefined || before === now) return undefined;
  return `${key} was published by ${before} with other content and is now ${now}'s: give one of them another s3_prefix`;
}
