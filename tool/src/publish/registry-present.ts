import { RegistryError } from '../system/registry/registry-error.ts';
import type { FoundManifest, Repository } from '../system/registry/repository.ts';

/** What a tag names where we write to; a mirror may be late. Damaged is as good as not there: it will be put again. */
export async function present(target: Repository, tag: string): Promise<FoundManifest | undefined> {
  try {
    return await target.manifest(tag, { direct: true });
  } catch (error) {
    if (error instanceof RegistryError && error.kind === 'digest') return undefined;
    throw error;
  }
}
