import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import type { Dnf } from './dnf.ts';
import { checkOverride, dnfOptions, withSettings } from './dnf-conf.ts';
import { addUsualFolder, confOfImage, removeImageRepos, repoFiles, reposIn, variablesOf } from './dnf-image-repos.ts';
import { addDnfMetadata } from './dnf-metadata.ts';
import { platformOf, releaseOfPackages, releaseProvided, usesRelease } from './dnf-release.ts';
import { keysBelow } from './dnf-repo-text.ts';
import { type DnfRepo, dnfRepos, keyFailure, putRepos } from './dnf-repos.ts';
import { absentAbove, removeTraces } from './dnf-traces.ts';
import { forcedArchitecture } from './foreign.ts';
import { borrowCache } from './package-cache.ts';
import { proxyVariables } from './proxy.ts';
import type { UsedRepositories } from './repositories.ts';
import { rootPrograms } from './root-programs.ts';

/** As Red Hat's own dnf.conf says; a host's settings must not decide what an image holds. */
const SETTINGS = {
  gpgcheck: '1',
  installonly_limit: '3',
  clean_requirements_on_remove: 'True',
  best: 'True',
  skip_if_unavailable: 'False',
  keepcache: '1',
  plugins: '0',
};

/**
 * A dnf on the mounted root, from outside of it: the host's, for a root from scratch or with `force_installroot`, or that of the layer's
 * tools image.
 */
export function dnfOutside(target: BuildTarget, workspace: Workspace, used: UsedRepositories): Dnf {
  const { layer, mountPoint, fromScratch } = target;
  const place = path.join(workspace.temporary, 'dnf');
  const programs = rootPrograms('dnf', place, target, workspace);
  const [repositories, log] = [path.join(place, 'repos'), path.join(place, 'log')];
  let repos: readonly DnfRepo[] = [];
  let release: string | undefined;
  let isPrepared = false;

  async function prepare(): Promise<void> {
    if (isPrepared) return;
    await programs.begin();
    for (const folder of [repositories, log]) await mkdir(folder, { recursive: true });
    await writeConf({});
    await takeRepos();
    await importKeys();
    release = await findRelease();
    const platform = release === undefined || !fromScratch ? undefined : platformOf(release);
    const hasModules = Object.values(layer.modules).some((specs) => specs !== undefined && specs.length > 0);
    if (platform !== undefined && hasModules) await writeConf({ module_platform_id: platform });
    isPrepared = true;
  }

  async function writeConf(more: Readonly<Record<string, string>>): Promise<void> {
    const settings = { ...SETTINGS, ...more, installroot: programs.root, reposdir: `${programs.folder}/repos` };
    const conf = withSettings('', { ...settings, ...dnfOptions(layer.options.dnf_options) });
    await writeFile(path.join(place, 'dnf.conf'), conf, { mode: 0o600 });
  }

  /** The layer's repositories, and those that the image has of its own. */
  async function takeRepos(): Promise<void> {
    const texts = new Map(repos.map(({ file, text }) => [file, text]));
    const own = fromScratch ? [] : await repoFiles(mountPoint, await confOfImage(mountPoint));
    for (const [index, file] of own.entries()) {
      const name = path.basename(file);
      if (repos.some((repo) => repo.file === name)) continue;
      texts.set(texts.has(name) ? `${index}-${name}` : name, await readFile(file, 'utf8'));
    }
    for (const [file, text] of texts)
      await writeFile(path.join(repositories, file), keysBelow(text, programs.root), { mode: 0o600 });
  }

  async function importKeys(): Promise<void> {
    if (layer.options.gpgcheck === false) return;
    for (const { key, file } of repos) {
      if (key === undefined) continue;
      const source = await programs.lend(path.join(workspace.temporary, 'image-repos', key.name));
      await programs.rpm(['--import', source]).catch((cause: unknown) => {
        throw keyFailure(file, cause);
      });
    }
  }

  /** That of the key, of a package, or of the release package in a repository whose place does not hang on it. */
  async function findRelease(): Promise<string | undefined> {
    const { releasever, dnf_options: options } = layer.options;
    if (releasever !== undefined || !fromScratch) return releasever;
    const inPackages = releaseOfPackages(layer);
    if (inPackages !== undefined) return inPackages;
    const dependent = repos.filter(({ text }) => usesRelease(text));
    if (dependent.length === 0) return undefined;
    const found = dependent.length === repos.length ? undefined : await askRelease(dependent);
    if (found !== undefined || options.some((word) => word.startsWith('releasever='))) return found;
    throw new BuildFailure(
      `${dependent[0]?.file.replace(/\.repo$/, '')} under repos uses $releasever, and the release is not known`,
      { hint: 'set `releasever` under `options`, for example 9' },
    );
  }

  async function askRelease(dependent: readonly DnfRepo[]): Promise<string | undefined> {
    const lines: string[] = [];
    const ids = dependent.flatMap(({ text }) => [...text.matchAll(/^\[([^\]]+)\]/gm)].map(([, id]) => id ?? ''));
    const query = ['repoquery', '--whatprovides=system-release', '--latest-limit=1', '--provides'];
    await call([...ids.map((id) => `--disablerepo=${id}`), '--refresh'], query, (line) => lines.push(line));
    return releaseProvided(lines);
  }

  async function call(options: readonly string[], command: readonly string[], onLine?: (line: string) => void) {
    const name = `cache-${crypto.randomUUID()}`;
    const cache = await borrowCache(path.join(workspace.caches, 'dnf'), path.join(place, name));
    // In dnf.conf these two would lie below the root.
    const places = [`--setopt=cachedir=${programs.folder}/${name}`, `--setopt=logdir=${programs.folder}/log`];
    const ours = [
      ...places,
      ...checkOverride(layer),
      ...forcedArchitecture(layer),
      ...(release === undefined ? [] : [`--releasever=${release}`]),
    ];
    try {
      await programs.run('dnf', ['-c', `${programs.folder}/dnf.conf`, ...ours, ...options, '-y', ...command], {
        env: { ...proxyVariables(layer), ...programs.env },
        collect: false,
        secrets: repos.flatMap(({ secrets }) => secrets),
        ...(onLine === undefined ? {} : { onLine }),
      });
      if (command[0] !== 'remove' && command[0] !== 'repoquery') {
        const variables = await variablesOf(layer, mountPoint, release);
        await addDnfMetadata(cache.folder, await reposIn(repositories), variables, used);
      }
    } finally {
      await cache.giveBack();
    }
  }

  return {
    async addRepos() {
      repos = await dnfRepos(target, workspace);
      if (layer.exclusive_repos.length > 0) await removeImageRepos(mountPoint, await confOfImage(mountPoint));
      await addUsualFolder(target, workspace);
      await putRepos(repos, target, workspace);
    },
    async run(verb, names, onLine) {
      const isFirst = !isPrepared;
      const created = await absentAbove(mountPoint, programs.folder);
      await prepare();
      await call(isFirst ? ['--refresh'] : [], [...verb, '--', ...names], onLine);
      await removeTraces(target, programs, { created, words: [...verb, ...names].join(' ') });
    },
  };
}
