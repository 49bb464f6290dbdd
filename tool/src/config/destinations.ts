import { normalize } from 'node:path/posix';
import { type Architecture, isOneOfSeveral } from './architectures.ts';
import type { Layer } from './layer.ts';
import type { LayerOptions } from './schema.ts';

/** An object's ACL by one of S3's names. */
export type CannedAcl = NonNullable<LayerOptions['s3_acl']>;

/** Of a layer for several architectures: its tags name a list of images, of which each machine that builds brings its own. */
export interface ImageList {
  readonly architecture: Architecture;
  /** What the list holds, and nothing else; sorted. */
  readonly architectures: readonly Architecture[];
}

/**
 * Where a layer's image goes. `key` names the destination in records and stays the same as long as the place does;
 * tags are apart, so that a new tag is a publication to a known place.
 */
export type Destination =
  | {
      readonly kind: 'local';
      readonly key: string;
      readonly name: string;
      readonly tags: readonly string[];
      readonly list?: ImageList;
    }
  | {
      readonly kind: 'registry';
      readonly key: string;
      /** `HOST[:PORT]/PATH/NAME`, no transport, no tag. */
      readonly repository: string;
      readonly tags: readonly string[];
      readonly list?: ImageList;
    }
  | {
      readonly kind: 'oci';
      readonly key: string;
      /** The image layout's folder, `DIR/NAME`, relative to the root unless absolute. */
      readonly directory: string;
      readonly tags: readonly string[];
      readonly list?: ImageList;
    }
  | ({
      readonly kind: 's3';
      readonly key: string;
      readonly endpoint: string;
      readonly bucket: string;
      /** Absent where the layer says nothing: whatever ACL the server gives. */
      readonly acl?: CannedAcl;
    } & BootSettings)
  | ({
      readonly kind: 'file';
      readonly key: string;
      /** The bucket's folder, `DIR/BUCKET`, relative to the root unless absolute. */
      readonly directory: string;
    } & BootSettings);

/** What decides the objects of a boot publication (`s3` and `file` hold the same keys). */
interface BootSettings {
  readonly prefix: string;
  readonly name: string;
  readonly tags: readonly string[];
  readonly squashfsOptions: readonly string[];
  readonly bootKernel: string;
  /** Of a layer for several: part of its keys. */
  readonly architecture?: Architecture;
}

/** Every destination a layer names, in the order local, registry, S3. Pure. */
export function destinationsOf(layer: Layer): Destination[] {
  const { options } = layer;
  const { name, publish_tags: tags } = options;
  const list = listOf(layer);
  const destinations: Destination[] = [];
  if (options.publish_local) destinations.push({ kind: 'local', key: `local:${name}`, name, tags, ...list });
  const registry = options.publish_registry.replace(/^docker:\/\//, '').replace(/\/+$/, '');
  if (registry.startsWith('oci:')) {
    const directory = normalize(`${registry.slice('oci:'.length)}/${name}`);
    destinations.push({ kind: 'oci', key: `oci:${directory}`, directory, tags, ...list });
  } else if (registry !== '') {
    const repository = `${registry}/${name}`;
    destinations.push({ kind: 'registry', key: `registry:${repository}`, repository, tags, ...list });
  }
  const endpoint = options.publish_s3.replace(/\/+$/, '');
  const boot = {
    prefix: options.s3_prefix,
    name,
    tags,
    squashfsOptions: options.squashfs_options,
    bootKernel: options.boot_kernel,
    ...(list.list && { architecture: list.list.architecture }),
  };
  if (endpoint.startsWith('file:')) {
    const directory = normalize(`${endpoint.slice('file:'.length)}/${options.s3_bucket}`);
    destinations.push({ kind: 'file', key: `file:${directory}/${boot.prefix}${name}`, directory, ...boot });
  } else if (endpoint !== '') {
    const bucket = options.s3_bucket;
    const key = `s3:${endpoint}/${bucket}/${boot.prefix}${name}`;
    const acl = options.s3_acl === undefined ? {} : { acl: options.s3_acl };
    destinations.push({ kind: 's3', key, endpoint, bucket, ...acl, ...boot });
  }
  return destinations;
}

function listOf(layer: Layer): { readonly list?: ImageList } {
  const { architecture, options } = layer;
  if (architecture === undefined || !isOneOfSeveral(layer)) return {};
  return { list: { architecture, architectures: [...(options.architectures as Architecture[])].sort() } };
}

/** One thing that was published and where to get it. No credentials. */
export type PublishedReference =
  | { readonly kind: 'image'; readonly reference: string; readonly digest: string }
  | {
      readonly kind: 'root' | 'kernel' | 'initramfs';
      readonly url: string;
      readonly size: number;
      readonly sha256: string;
    };
