import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CommandFailure, type CommandOptions } from '../system/command.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { keyFailure } from './dnf-repos.ts';
import { borrowCache, type PackageCache } from './package-cache.ts';
import type { UsedRepositories } from './repositories.ts';
import type { Zypper } from './zypper.ts';
import { addZypperMetadata } from './zypper-metadata.ts';
import { hear, listenToZypper } from './zypper-output.ts';
import { writePlaceRepos, type ZypperPlace } from './zypper-place.ts';
import { forBuild } from './zypper-repo-text.ts';
import { imageRepos, putZypperRepos, removeImageRepos, type ZypperRepo, zypperRepos } from './zypper-repos.ts';

/** What differs between the zypper of this machine and that of the image. */
export interface ZypperHands {
  readonly place: ZypperPlace;
  /** The image's root for a zypper outside of it, by which it finds the image's key files. */
  readonly root?: string;
  /** Before the first call; may refuse. */
  begin(): Promise<void>;
  call(args: readonly string[], options: CommandOptions): Promise<{ readonly exitCode: number | null }>;
  /** A key file of the place's folder for rpm. */
  importKey(name: string): Promise<void>;
  /** All keys that the image's rpm trusts, as text. */
  trusted(): Promise<string>;
}

/** Hex digits; a name of a folder. */
const CACHE_NAME = 32;

/** zypper's work on one image. Metadata is loaded once, before the first command, so that a repository that is not there is said as such. */
export function zypperSession(
  target: BuildTarget,
  workspace: Workspace,
  used: UsedRepositories,
  hands: ZypperHands,
): Zypper {
  const { layer, mountPoint } = target;
  const { place } = hands;
  let repos: readonly ZypperRepo[] = [];
  let isReady = false;
  let isFresh = false;
  let cache: PackageCache | undefined;

  async function prepare(): Promise<void> {
    if (isReady) return;
    await hands.begin();
    const texts = new Map([
      ...(target.fromScratch ? [] : await imageRepos(mountPoint)),
      ...repos.map(({ file, text }) => [file, text] as const),
    ]);
    await writePlaceRepos(place, texts, layer, hands.root);
    for (const { file, keys } of layer.options.gpgcheck === false ? [] : repos) {
      for (const { name, data } of keys) {
        await writeFile(path.join(place.keys, name), data);
        await hands.importKey(name).catch((cause: unknown) => {
          throw keyFailure(file, cause);
        });
      }
    }
    cache = await borrowCache(path.join(workspace.caches, 'zypper', await trust(texts)), place.cache);
    isReady = true;
  }

  /**
   * zypper checks what it loads, never what is in its cache already: a cache is only for builds with the same repositories, keys
   * and checks, or packages that one layer took unchecked would get into another that checks.
   */
  async function trust(texts: ReadonlyMap<string, string>): Promise<string> {
    const read = [...texts].map(([file, text]) => [file, forBuild(text, layer.options.gpgcheck)]).toSorted();
    const hash = createHash('sha256').update(JSON.stringify([read, await hands.trusted()]));
    return hash.digest('hex').slice(0, CACHE_NAME);
  }

  async function refresh(): Promise<void> {
    const heard = listenToZypper();
    await call(['refresh'], { collect: false, onLine: hear(heard) }).catch((cause: unknown) => {
      if (!(cause instanceof CommandFailure) || heard.skipped.length === 0) throw cause;
      throw new BuildFailure(`the metadata of repository ${heard.skipped.join(', ')} cannot be used`, { cause });
    });
    isFresh = true;
  }

  function call(args: readonly string[], options: CommandOptions) {
    const secrets = repos.flatMap((repo) => repo.secrets);
    return hands.call([...place.options, ...args], { ...options, secrets });
  }

  return {
    async addRepos() {
      repos = await zypperRepos(target, workspace);
      if (layer.exclusive_repos.length > 0) await removeImageRepos(mountPoint);
      await putZypperRepos(repos, target, workspace);
      // Also where nothing is installed: a child finds the repositories, and asks for their keys.
      if (repos.some(({ keys }) => keys.length > 0)) await prepare();
    },
    async run(command, names, { accept = [0], onLine } = {}) {
      await prepare();
      try {
        if (!isFresh && command[0] !== 'remove') await refresh();
        const { exitCode } = await call(['--no-refresh', ...command, '--', ...names], {
          collect: false,
          accept,
          ...(onLine === undefined ? {} : { onLine }),
        });
        if (command[0] !== 'remove') await addZypperMetadata(place, layer, mountPoint, used);
        return exitCode ?? 0;
      } finally {
        await cache?.giveBack();
      }
    },
  };
}
