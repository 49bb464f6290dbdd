import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { CommandFailure } from '../command.ts';
import { type RegistryOptions, registryOptions } from '../registry-options.ts';
import { type RetryPolicy, retry } from '../retry.ts';
import type { Workspace } from '../workspace.ts';
import { isTransient } from './program-errors.ts';
import { POLICIES } from './repository-places.ts';

/** A push prints nothing on the way, so what bounds it is its size at a rate below that of any usable line. */
const PUSH_MS = 20 * 60_000;
const SLOWEST_BYTES_PER_MS = 1_000;

interface Transfer {
  /** `HOST[:PORT]/PATH`. */
  readonly repository: string;
  /** `registry_opts_push` or `registry_opts_pull`. */
  readonly words: readonly string[];
  readonly workspace: Workspace;
  readonly policy?: RetryPolicy;
}

/** `buildah push` to one tag; gives the manifest's digest. Throws CommandFailure. */
export async function pushImage(imageId: string, tag: string, transfer: Transfer): Promise<string> {
  const { repository, workspace } = transfer;
  const info = await workspace.buildah.inspect(imageId);
  const totalMs = PUSH_MS + (info?.size ?? 0) / SLOWEST_BYTES_PER_MS;
  return withOptions(transfer, async (options) => {
    // buildah's own retries are turned off: they would multiply with ours. The user's options come later and win.
    const args = ['--retry=0', ...options.buildah];
    return again(transfer, () => workspace.buildah.push(imageId, `docker://${repository}:${tag}`, args, { totalMs }));
  });
}

/** `buildah pull` by digest, whose blobs it compares with their digests; gives the image's id. Throws CommandFailure. */
export async function pullImage(digest: string, bytes: number, transfer: Transfer): Promise<string> {
  const { repository, workspace } = transfer;
  const totalMs = PUSH_MS + bytes / SLOWEST_BYTES_PER_MS;
  return withOptions(transfer, async ({ skopeo }) => {
    const args = ['pull', '--quiet', '--retry=0', ...skopeo.map((flag) => `--${flag}`)];
    const image = `docker://${repository}@${digest}`;
    const { stdout } = await again(transfer, () =>
      workspace.exec('buildah', [...workspace.buildah.globalArgs, ...args, '--', image], { totalMs }),
    );
    return (stdout.trim().split('\n').at(-1) ?? '').replace(/^sha256:/, '');
  });
}

/** The auth file that `--creds` becomes lives only as long as the work. */
async function withOptions<T>(
  { repository, words, workspace }: Transfer,
  use: (options: RegistryOptions) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(workspace.temporary, 'registry-'));
  try {
    return await use(await registryOptions(words, { repository, temporary: folder, root: workspace.root }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function again<T>({ policy = POLICIES.work, repository, workspace }: Transfer, work: () => Promise<T>): Promise<T> {
  return retry(work, {
    policy,
    signal: workspace.signal,
    retryable: isTransient,
    onRetry: (error, attempt, delayMs) => {
      const reason = error instanceof CommandFailure ? error.message : String(error);
      workspace.say(`${repository}: attempt ${attempt} of ${policy.attempts} failed, next in ${delayMs} ms: ${reason}`);
    },
  });
}
