import type { Destination } from '../config/destinations.ts';
import type { Workspace } from '../system/workspace.ts';
import type { BootFiles, Publication, PublishedImage, Publisher } from './publisher.ts';

type Kind = Destination['kind'];

/** Loaded when first needed: the S3 client alone takes longer to load than a null build may take. */
const PUBLISHERS: { readonly [K in Kind]: () => Promise<Publisher<K>> } = {
  local: async () => (await import('./local.ts')).localPublisher,
  registry: async () => (await import('./registry.ts')).createRegistryPublisher(),
  oci: async () => (await import('./oci.ts')).ociPublisher,
  s3: async () => (await import('./s3.ts')).theS3Publisher(),
  file: async () => (await import('./file.ts')).filePublisher,
};

/** The publisher of a kind of destination. */
export async function publisherOf<K extends Kind>(kind: K): Promise<Publisher<K>> {
  return PUBLISHERS[kind]();
}

/**
 * Brings one destination in line with the image: every tag, and for S3 and `file:` the boot artefacts. Doing it again is harmless.
 * Throws PublishFailure and CommandFailure.
 */
export async function publish<K extends Kind>(
  image: PublishedImage,
  destination: Extract<Destination, { kind: K }>,
  workspace: Workspace,
  boot: BootFiles,
): Promise<Publication> {
  const publisher = await publisherOf(destination.kind as K);
  return publisher.publish(image, destination, workspace, boot);
}
