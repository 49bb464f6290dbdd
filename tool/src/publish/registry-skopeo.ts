import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { isTransient } from '../system/registry/program-errors.ts';
import { registryOptions } from '../system/registry-options.ts';
import { type RetryPolicy, retry } from '../system/retry.ts';
import type { Workspace } from '../system/workspace.ts';

const TAG_MS = 5 * 60_000;

/**
 * Sets tags to what a digest names, where our own client cannot. From the digest, not from another tag: that one may have been moved
 * meanwhile. No blob is read or sent. Throws CommandFailure.
 */
export async function setTagsBySkopeo(
  repository: string,
  digest: string,
  tags: readonly string[],
  { words, workspace, policy }: { words: readonly string[]; workspace: Workspace; policy: RetryPolicy },
): Promise<void> {
  const folder = await mkdtemp(path.join(workspace.temporary, 'registry-'));
  try {
    const { skopeo } = await registryOptions(words, { repository, temporary: folder, root: workspace.root });
    const flags = skopeo.flatMap((flag) => [`--src-${flag}`, `--dest-${flag}`]);
    for (const tag of tags) {
      const places = [`docker://${repository}@${digest}`, `docker://${repository}:${tag}`];
      await retry(
        () =>
          workspace.exec('skopeo', ['copy', '--quiet', '--preserve-digests', ...flags, ...places], { totalMs: TAG_MS }),
        { policy, signal: workspace.signal, retryable: isTransient },
      );
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
