import { type Architecture, namesOfArchitecture } from '../config/architectures.ts';
import type { BootArtefacts, LocalFile } from './publisher.ts';

/** Which of an image's boot artefacts an object holds. */
export type ObjectKind = 'root' | 'kernel' | 'initramfs';

export interface BootObject {
  readonly kind: ObjectKind;
  readonly key: string;
}

export type FileContent = Pick<LocalFile, 'size' | 'sha256'>;

/** What an image's objects hold. */
export type BootContents = Readonly<Record<ObjectKind, FileContent>>;

/** The parts of keys that only the image tells. */
export interface BootNames {
  /** ID and VERSION_ID together: `debian12`. */
  readonly os: string;
  /** `vmlinuz-<kver>` */
  readonly kernel: string;
  readonly initramfs: string;
}

interface KeySettings {
  readonly prefix: string;
  readonly name: string;
  readonly tags: readonly string[];
  /** Of a layer for several architectures. */
  readonly architecture?: Architecture;
}

export function namesOf({ osId, osVersion, kernelVersion, initramfsName }: BootArtefacts): BootNames {
  return { os: `${osId}${osVersion}`, kernel: `vmlinuz-${kernelVersion}`, initramfs: initramfsName };
}

/**
 * The contract's keys, and no others: sites find objects by listing a prefix, so that one more breaks their scripts. Kernel and
 * initramfs come first: a root that is there before its kernel boots nothing. Pure.
 */
export function objectsOf(settings: KeySettings, names: BootNames): BootObject[] {
  return [
    { kind: 'kernel', key: `efi-images/${settings.prefix}${bootName(names.kernel, settings)}` },
    { kind: 'initramfs', key: `efi-images/${settings.prefix}${bootName(names.initramfs, settings)}` },
    ...settings.tags.map((tag) => ({
      kind: 'root' as const,
      key: `${rootStem(settings, names.os)}${tag}${suffixOf(settings)}`,
    })),
  ];
}

function suffixOf({ architecture }: Pick<KeySettings, 'architecture'>): string {
  return architecture === undefined ? '' : `-${architecture}`;
}

/** Kernel versions of many distributions end with the architecture; what does not gets it. */
function bootName(name: string, settings: KeySettings): string {
  const { architecture } = settings;
  const [, stem = name, extension = ''] = /^(.*?)(\.img)?$/.exec(name) ?? [];
  const isTold =
    architecture === undefined ||
    namesOfArchitecture(architecture).some((one) => new RegExp(`[-._+]${one}$`).test(stem));
  return isTold ? name : `${stem}${suffixOf(settings)}${extension}`;
}

/** What the keys of all tags begin with. */
export function rootStem({ prefix, name }: Pick<KeySettings, 'prefix' | 'name'>, os: string): string {
  return `${prefix}${os}-${name}-`;
}

/**
 * The `os` part and the tag of a key, if it may be a root of this destination: `debian12-a-b-latest` is tag `b-latest` of `a`
 * and tag `latest` of `a-b`, which only the object itself tells apart. Pure.
 */
export function rootNameIn(
  settings: Pick<KeySettings, 'prefix' | 'name' | 'architecture'>,
  key: string,
): { readonly os: string; readonly tag: string } | undefined {
  const { prefix, name } = settings;
  const suffix = suffixOf(settings);
  if (!key.startsWith(prefix) || !key.endsWith(suffix)) return undefined;
  const [os, ...rest] = key.slice(prefix.length, key.length - suffix.length).split(`-${name}-`);
  const tag = rest.join(`-${name}-`);
  return os !== undefined && /^[a-z0-9._+~-]+$/.test(os) && /^[A-Za-z0-9_][\w.-]*$/.test(tag) ? { os, tag } : undefined;
}

/** The file that an object gets. */
export function fileOf(boot: BootArtefacts, kind: ObjectKind): LocalFile {
  return { root: boot.squashfs, kernel: boot.kernel, initramfs: boot.initramfs }[kind];
}

export function contentsOf(boot: BootArtefacts): BootContents {
  const only = ({ size, sha256 }: LocalFile) => ({ size, sha256 });
  return { root: only(boot.squashfs), kernel: only(boot.kernel), initramfs: only(boot.initramfs) };
}

/** The warning when an object of another layer is about to get other content; undefined where the owner is us or not known. */
export function overwritten(key: string, before: string | undefined, now: string): string | undefined {
  if (before === undefined || before === now) return undefined;
  return `${key} was published by ${before} with other content and is now ${now}'s: give one of them another s3_prefix`;
}
