import type { KeptImage, KnownBuild } from '../recipe/known-build.ts';
import { parseManifest } from '../system/registry/manifest.ts';
import { isGone } from '../system/registry/program-errors.ts';
import { RegistryError } from '../system/registry/registry-error.ts';
import type { FoundManifest, Repository } from '../system/registry/repository.ts';
import { pullImage } from '../system/registry/transfer.ts';
import type { RetryPolicy } from '../system/retry.ts';
import type { Workspace } from '../system/workspace.ts';
import { ImageGone } from './image-gone.ts';

interface Pulling {
  readonly place: string;
  readonly repository: Repository;
  readonly options: readonly string[];
  readonly policy?: RetryPolicy;
}

/** Brings the image into local storage by its digest. Throws ImageGone, RegistryError and CommandFailure. */
export async function pullKnown(
  build: KnownBuild,
  workspace: Workspace,
  { place, repository, options, policy }: Pulling,
): Promise<KeptImage> {
  const { shared } = build.image;
  if (shared === undefined) throw new ImageGone('the image is shared nowhere');
  const gone = (why: string, cause?: unknown) =>
    new ImageGone(`${place}@${shared.digest} ${why}`, cause === undefined ? {} : { cause });
  let found: FoundManifest | undefined;
  try {
    found = await repository.manifest(shared.digest);
  } catch (error) {
    if (error instanceof RegistryError && error.kind === 'digest') throw gone('is damaged there', error);
    throw error;
  }
  const manifest = found && parseManifest(found.bytes);
  if (manifest === undefined) throw gone('is not there any more');
  let id: string;
  try {
    const pulling = { repository: place, words: options, workspace, ...(policy ? { policy } : {}) };
    id = await pullImage(shared.digest, shared.size, pulling);
  } catch (error) {
    if (isGone(error)) throw gone('has lost a part there, or it is damaged', error);
    throw error;
  }
  // The configuration names every layer by the digest of its content.
  if (`sha256:${id}` !== manifest.config.digest) throw gone('gave another image than it names');
  const info = await workspace.buildah.inspect(id);
  if (info === undefined) throw gone('was pulled, but is not in local storage');
  return { id, size: info.size, ...(await workspace.buildah.store()) };
}
