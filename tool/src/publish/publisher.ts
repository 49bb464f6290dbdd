import type { Destination, PublishedReference } from '../config/destinations.ts';
import type { Layer } from '../config/layer.ts';
import type { SharedImage } from '../recipe/known-build.ts';
import type { Workspace } from '../system/workspace.ts';

/** What a destination should hold. */
export interface WantedPublication {
  readonly layer: Layer;
  /** `sha256:…` of the file tree; goes into the metadata of objects and the annotations of manifests. */
  readonly contentDigest: string;
  readonly recipeKey: string;
  /** Hash of content, labels and the destination's settings; goes there too, so that one look tells whether all is in line. */
  readonly publishKey: string;
}

/** What is published. */
export interface PublishedImage extends WantedPublication {
  /** All labels, `build-date` included. */
  readonly labels: Readonly<Record<string, string>>;
  /** The same content under its key tag, where machines share it: a registry sets tags from it without a byte passing here. */
  readonly shared?: SharedImage;
  /** Id of the image in local storage, with no particular labels. Pulls it where only its key tag is there. */
  local(): Promise<string>;
  /** Id of the image in local storage with exactly those labels; pulls as `local` does. */
  labelled(): Promise<string>;
}

/** Where to get it, as the summary and the record keep it. No secrets, no credentials in URLs. */
export interface Publication {
  readonly references: readonly PublishedReference[];
  /** Bytes sent or written, as far as known. */
  readonly bytes: number;
}

/** What asking a destination needs. */
export type Asking = Pick<Workspace, 'root' | 'exec' | 'buildah'>;

/** One file a destination kind: `local.ts`, `registry.ts`, `oci.ts`, `s3.ts`, `file.ts`. */
export interface Publisher<K extends Destination['kind']> {
  readonly kind: K;
  publish(
    image: PublishedImage,
    destination: Extract<Destination, { kind: K }>,
    workspace: Workspace,
    boot: BootFiles,
  ): Promise<Publication>;
  /** Whether the place still holds what was published: cheap for what is on this disk, one request for the rest. */
  verify(
    publication: Pick<Publication, 'references'>,
    destination: Extract<Destination, { kind: K }>,
    layer: Layer,
    asking: Asking,
  ): Promise<boolean>;
  /**
   * What a destination holds that this machine has no record of: the publication when every tag is already what is wanted, else
   * undefined. As cheap as can be; a fresh machine asks this for every layer. Undefined too where that cannot be told.
   */
  observe(
    wanted: WantedPublication,
    destination: Extract<Destination, { kind: K }>,
    asking: Asking,
  ): Promise<Publication | undefined>;
}

/** Boot artefacts of one image, made once for all tags and destinations that want them (same options, same file). */
export interface BootFiles {
  make(squashfsOptions: readonly string[], bootKernel: string): Promise<BootArtefacts>;
}

export interface LocalFile {
  /** Absolute path on this machine. */
  readonly path: string;
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
}

export interface BootArtefacts {
  readonly squashfs: LocalFile;
  /** `<kver>` as in `vmlinuz-<kver>`. */
  readonly kernelVersion: string;
  readonly kernel: LocalFile;
  readonly initramfs: LocalFile;
  /** `initramfs-<kver>.img` or `initrd-<kver>` (the contract's names). */
  readonly initramfsName: string;
  /** ID and VERSION_ID of /etc/os-release, lower case. */
  readonly osId: string;
  readonly osVersion: string;
}

/** A publication that cannot work, in words for the user. */
export class PublishFailure extends Error {
  override readonly name = 'PublishFailure';
  readonly hint?: string;
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    if (options.hint !== undefined) this.hint = options.hint;
  }
}
