import { createHash } from 'node:crypto';
import type { CommandResult } from './command.ts';

/**
 * Brings an image of an OCI layout (`oci:DIR:TAG`) into the storage and gives its id. buildah itself would name it after
 * the folder without the tag, so that two tags of one layout are one image to it, and refuses folders with capitals.
 */
export async function importLayout(
  reference: string,
  {
    skopeo,
    storage,
  }: { readonly skopeo: (args: readonly string[]) => Promise<CommandResult>; readonly storage: string },
): Promise<string> {
  const { stdout } = await skopeo(['inspect', '--raw', '--config', reference]);
  // An image's id is the digest of its configuration.
  const id = createHash('sha256').update(stdout).digest('hex');
  await skopeo(['copy', '--quiet', reference, `${storage}@${id}`]);
  return id;
}
