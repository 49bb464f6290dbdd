import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import { CommandFailure } from '../system/command.ts';
import { type RegistryOptions, registryOptions } from '../system/registry-options.ts';
import { type RetryPolicy, retry } from '../system/retry.ts';
import type { Workspace } from '../system/workspace.ts';
import type { Asking, Publisher } from './publisher.ts';
import { explainRegistry, isTransient } from './registry-errors.ts';

const POLICY: RetryPolicy = { attempts: 7, baseMs: 1_000, capMs: 30_000 };

/** A push prints nothing on the way, so what bounds it is its size at a rate below that of any usable line. */
const PUSH_MS = 20 * 60_000;
const SLOWEST_BYTES_PER_MS = 1_000;
const TAG_MS = 5 * 60_000;

/**
 * A registry: one upload, then every other tag is set to the digest that it gave. skopeo sets the tags, not a second push: a push
 * compresses again wherever buildah's cache of blobs does not know the layer, and may then give another digest.
 */
export function createRegistryPublisher(policy: RetryPolicy = POLICY): Publisher<'registry'> {
  return {
    kind: 'registry',

    async publish(image, { repository, tags }, workspace) {
      const [first, ...others] = tags;
      if (first === undefined) return { references: [], bytes: 0 };
      const info = await workspace.buildah.inspect(image.imageId);
      const totalMs = PUSH_MS + (info?.size ?? 0) / SLOWEST_BYTES_PER_MS;
      const digest = await withOptions(image.layer, repository, workspace, async (options) => {
        // buildah's own retries are turned off: they would multiply with ours. The user's options come later and win.
        const args = ['--retry=0', ...options.buildah];
        const pushed = await again(policy, workspace, repository, () =>
          workspace.buildah.push(image.imageId, `docker://${repository}:${first}`, args, { totalMs }),
        );
        for (const tag of others) {
          await again(policy, workspace, repository, () => setTag(repository, pushed, tag, options, workspace));
        }
        return pushed;
      });
      return {
        references: tags.map((tag) => ({ kind: 'image', reference: `${repository}:${tag}`, digest })),
        bytes: 0,
      };
    },

    async verify(publication, { repository }, layer, asking) {
      return withOptions(layer, repository, asking, async (options) => {
        for (const published of publication.references) {
          if (published.kind !== 'image') return false;
          const digest = await again(policy, asking, repository, () => digestAt(published.reference, options, asking));
          if (digest !== published.digest) return false;
        }
        return publication.references.length > 0;
      });
    },
  };
}

type Surroundings = Asking & Partial<Pick<Workspace, 'temporary' | 'signal' | 'say'>>;

/** The auth file that `--creds` becomes lives only as long as the work. */
async function withOptions<T>(
  layer: Layer,
  repository: string,
  { temporary = tmpdir(), root }: Surroundings,
  use: (options: RegistryOptions) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(temporary, 'registry-'));
  try {
    return await use(await registryOptions(layer.options.registry_opts_push, { repository, temporary: folder, root }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function again<T>(
  policy: RetryPolicy,
  { signal, say }: Surroundings,
  repository: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await retry(work, {
      policy,
      ...(signal ? { signal } : {}),
      retryable: isTransient,
      onRetry: (error, attempt, delayMs) => {
        const reason = error instanceof Error ? error.message : String(error);
        say?.(`${repository}: attempt ${attempt} of ${policy.attempts} failed, next in ${delayMs} ms: ${reason}`);
      },
    });
  } catch (error) {
    throw explainRegistry(error, repository);
  }
}

/** From the digest, not from the first tag: that one may have been moved meanwhile. No blob is read or sent. */
async function setTag(
  repository: string,
  digest: string,
  tag: string,
  { skopeo }: RegistryOptions,
  workspace: Workspace,
): Promise<void> {
  const flags = skopeo.flatMap((flag) => [`--src-${flag}`, `--dest-${flag}`]);
  await workspace.exec(
    'skopeo',
    [
      'copy',
      '--quiet',
      '--preserve-digests',
      ...flags,
      `docker://${repository}@${digest}`,
      `docker://${repository}:${tag}`,
    ],
    { totalMs: TAG_MS },
  );
}

/** Digest of the manifest that a tag names now; undefined when there is none. */
async function digestAt(reference: string, { skopeo }: RegistryOptions, { exec }: Asking): Promise<string | undefined> {
  const flags = skopeo.map((flag) => `--${flag}`);
  try {
    const { stdout } = await exec('skopeo', ['inspect', '--raw', ...flags, `docker://${reference}`], {
      totalMs: TAG_MS,
      quiet: true,
    });
    return `sha256:${createHash('sha256').update(stdout).digest('hex')}`;
  } catch (error) {
    if (
      error instanceof CommandFailure &&
      /manifest unknown|name unknown|not found|\b404\b/i.test(error.result.tail.join('\n'))
    ) {
      return undefined;
    }
    throw error;
  }
}
