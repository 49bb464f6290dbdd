import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import type { Dnf } from './dnf.ts';
import { dnfOptions, withSettings } from './dnf-conf.ts';
import { reposIn, variablesOf } from './dnf-image-repos.ts';
import { addDnfMetadata } from './dnf-metadata.ts';
import { type DnfRepo, dnfRepos, putRepos, writeHostRepos } from './dnf-repos.ts';
import { absentAbove, removeTraces } from './dnf-traces.ts';
import { borrowCache } from './package-cache.ts';
import { proxyVariables } from './proxy.ts';
import type { UsedRepositories } from './repositories.ts';
import { readInRoot, statInRoot } from './root-files.ts';

const REPOSITORIES = 'etc/yum.repos.d';
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
/** Where rpm looks for its database: Fedora and its newer relatives, then the others. */
const DATABASES = ['usr/lib/sysimage/rpm', 'var/lib/rpm'];

/** The host's dnf on the mounted root: for a root from scratch, or with `force_installroot`. */
export function dnfOnHost(target: BuildTarget, workspace: Workspace, used: UsedRepositories): Dnf {
  const { layer, mountPoint } = target;
  const place = path.join(workspace.temporary, 'dnf');
  const [repositories, home, log] = ['repos', 'home', 'log'].map((name) => path.join(place, name)) as [
    string,
    string,
    string,
  ];
  let repos: readonly DnfRepo[] = [];
  let database = '';
  let isPrepared = false;

  async function prepare(): Promise<void> {
    if (isPrepared) return;
    isPrepared = true;
    for (const folder of [repositories, home, log]) await mkdir(folder, { recursive: true });
    database = `/${await databaseOf(mountPoint)}`;
    // Debian's rpm would put the database into root's home, where the target's does not look for it.
    await writeFile(path.join(home, '.rpmmacros'), `%_dbpath ${database}\n`);
    const settings = { ...SETTINGS, installroot: mountPoint, reposdir: repositories };
    const conf = withSettings('', { ...settings, ...dnfOptions(layer.options.dnf_options) });
    await writeFile(path.join(place, 'dnf.conf'), conf, { mode: 0o600 });
    await writeHostRepos(repos, repositories);
    if (!target.fromScratch) await takeImageRepos(mountPoint, repositories, repos);
  }

  return {
    async addRepos() {
      repos = dnfRepos(target, workspace);
      checkReleasever(target);
      await putRepos(repos, target, workspace);
    },
    async run(verb, names, onLine) {
      const isFirst = !isPrepared;
      await prepare();
      const created = await absentAbove(mountPoint, place);
      const cache = await borrowCache(
        path.join(workspace.caches, 'dnf'),
        path.join(place, `cache-${crypto.randomUUID()}`),
      );
      const { releasever } = layer.options;
      // In dnf.conf these two would lie below the root.
      const places = [`--setopt=cachedir=${cache.folder}`, `--setopt=logdir=${log}`];
      const options = [
        ...places,
        ...(releasever === undefined ? [] : [`--releasever=${releasever}`]),
        ...(isFirst ? ['--refresh'] : []),
      ];
      try {
        await workspace.exec('dnf', ['-c', path.join(place, 'dnf.conf'), ...options, '-y', ...verb, '--', ...names], {
          env: { ...proxyVariables(layer), HOME: home },
          collect: false,
          ...(onLine === undefined ? {} : { onLine }),
        });
        if (verb.includes('install')) {
          await addDnfMetadata(cache.folder, await reposIn(repositories), await variablesOf(layer, mountPoint), used);
        }
      } finally {
        await cache.giveBack();
      }
      await removeTraces(target, workspace, { place, created, words: [...verb, ...names].join(' '), database });
    },
  };
}

/** The image's own repositories, its key files by their place on the host. */
async function takeImageRepos(mountPoint: string, folder: string, own: readonly DnfRepo[]): Promise<void> {
  if (!(await statInRoot(mountPoint, REPOSITORIES))?.isDirectory()) return;
  const ours = new Set(own.map((repo) => repo.file));
  for (const name of await readdir(path.join(mountPoint, REPOSITORIES))) {
    if (!name.endsWith('.repo') || ours.has(name)) continue;
    const text = await readInRoot(mountPoint, `${REPOSITORIES}/${name}`);
    if (text === undefined) continue;
    await writeFile(path.join(folder, name), text.replaceAll('file:///etc/', `file://${mountPoint}/etc/`), {
      mode: 0o600,
    });
  }
}

async function databaseOf(mountPoint: string): Promise<string> {
  for (const folder of DATABASES) if ((await statInRoot(mountPoint, folder))?.isDirectory()) return folder;
  return 'var/lib/rpm';
}

/** dnf takes it from the root's release package, which a root from scratch does not have yet. */
function checkReleasever({ layer, fromScratch }: BuildTarget): void {
  if (!fromScratch || layer.options.releasever !== undefined) return;
  const repo = layer.repos.find(({ url, config }) => /\$\{?releasever/.test(`${url ?? ''}${config ?? ''}`));
  if (repo === undefined) return;
  throw new BuildFailure(`repository ${repo.alias} uses $releasever, and the release is not known`, {
    hint: 'set `releasever` under `options`, for example 9',
  });
}
