import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import { forBuild } from './zypper-repo-text.ts';

/**
 * The folder of one build in which zypper has everything that is not the image: repositories as this build reads them, a cache
 * borrowed from earlier builds, solver files, its lock and log. Inside a container it is mounted.
 */
export interface ZypperPlace {
  /** On this machine. */
  readonly folder: string;
  /** Options in front of every command, as paths for whoever runs. */
  readonly options: readonly string[];
  /** Variables of every call. */
  readonly env: Readonly<Record<string, string>>;
  /** Folder of the cache that is borrowed; must not exist before. */
  readonly cache: string;
  readonly repositories: string;
  readonly keys: string;
  /** Makes the folders, and `more`. */
  make(...more: readonly string[]): Promise<void>;
}

/** Prints what rpm trusts: each key is the description of a package. */
export const TRUSTED_KEYS = ['rpm', '-qa', '--queryformat', '%{DESCRIPTION}\n', 'gpg-pubkey'];

/** `seen`: where zypper sees the folder. */
export function zypperPlace(folder: string, seen: string, { options }: Layer): ZypperPlace {
  const { releasever } = options;
  const [repositories, keys, solver] = ['repos', 'keys', 'solv'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  return {
    folder,
    cache: path.join(folder, 'cache'),
    repositories,
    keys,
    async make(...more) {
      for (const one of [repositories, keys, solver, ...more]) await mkdir(one, { recursive: true });
    },
    options: [
      '--non-interactive',
      ...['--reposd-dir', `${seen}/repos`],
      ...['--cache-dir', `${seen}/cache`],
      ...['--raw-cache-dir', `${seen}/cache/raw`],
      ...['--pkg-cache-dir', `${seen}/cache/packages`],
      ...['--solv-cache-dir', `${seen}/solv`],
      ...(releasever === undefined ? [] : ['--releasever', releasever]),
    ],
    env: { LC_ALL: 'C.UTF-8', ZYPP_LOGFILE: `${seen}/zypper.log`, ZYPP_LOCKFILE_ROOT: seen },
  };
}

/** Writes the repositories of this build. `root`: for a zypper outside of the image. */
export async function writePlaceRepos(
  { repositories }: ZypperPlace,
  texts: ReadonlyMap<string, string>,
  { options }: Layer,
  root?: string,
): Promise<void> {
  for (const [name, text] of texts) {
    await writeFile(path.join(repositories, name), forBuild(text, options.gpgcheck, root), { mode: 0o600 });
  }
}
