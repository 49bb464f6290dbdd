import { stat } from 'node:fs/promises';
import type { LockUser } from '../system/with-file-lock.ts';
import { keptAtOf } from './build-document.ts';
import { dropTags, removeUnreachable, tagsOf } from './oci-index.ts';
import { blobPath, readManifest } from './oci-layout.ts';
import { withLayout } from './oci-push.ts';
import type { SharedPlace, SharedTag } from './shared-prune.ts';

interface Settings extends LockUser {
  /** Absolute. */
  readonly directory: string;
  /** As layer files or layers.yaml name it. */
  readonly place: string;
  warn(message: string): void;
}

/** An OCI layout on a disk that machines share. Under its lock blobs go with the last tag that reaches them. */
export function createOciPruning(settings: Settings): SharedPlace {
  const { directory, place } = settings;
  return {
    place,
    async tags() {
      const entries = [...(await tagsOf(directory))];
      return Promise.all(entries.map(([tag, { digest, size }]) => lookAt(directory, tag, digest, size)));
    },
    async remove(tags) {
      await withLayout(directory, settings, async () => {
        await dropTags(directory, new Map(tags.map(({ tag, digest }) => [tag, digest])));
        await removeUnreachable(directory);
      });
      return { left: new Map() };
    },
  };
}

async function lookAt(directory: string, tag: string, digest: string, size: number): Promise<SharedTag> {
  const manifest = await readManifest(directory, digest);
  const blobs = new Map([[digest, size]]);
  for (const blob of manifest === undefined ? [] : [manifest.config, ...manifest.layers])
    blobs.set(blob.digest, blob.size);
  // Documents do not tell; their file does, on this disk.
  const written = await stat(blobPath(directory, digest)).catch(() => undefined);
  const keptAt = keptAtOf(manifest?.annotations) ?? written?.mtimeMs;
  return { tag, digest, blobs, ...(keptAt !== undefined && { keptAt }) };
}
