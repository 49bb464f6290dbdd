import { rm, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { rpmName } from '../config/architectures.ts';
import type { CommandOptions } from '../system/command.ts';
import { regularFileInRoot, resolveInRoot } from '../system/in-root.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { usesRelease } from './dnf-release.ts';
import { absentAbove, removeTraces } from './dnf-traces.ts';
import { foreignArchitecture } from './foreign.ts';
import { proxyVariables } from './proxy.ts';
import type { UsedRepositories } from './repositories.ts';
import { statInRoot } from './root-files.ts';
import type { Zypper } from './zypper.ts';
import { TRUSTED_KEYS, zypperPlace } from './zypper-place.ts';
import { zypperSession } from './zypper-session.ts';

/** As SUSE's own; a host's settings must not decide what an image holds. */
const SETTINGS = '[main]\nrepo.refresh.delay = 0\nsolver.onlyRequires = false\ndownload.max_silent_tries = 5\n';
/** Where rpm looks for its database: newer relatives first. */
const DATABASES = ['usr/lib/sysimage/rpm', 'var/lib/rpm'];
const HISTORY = '/var/log/zypp/history';

/** The host's zypper on the mounted root: for a root from scratch, or with `force_installroot`. */
export function zypperOnHost(target: BuildTarget, workspace: Workspace, used: UsedRepositories): Zypper {
  const { layer, mountPoint } = target;
  const folder = path.join(workspace.temporary, 'zypper');
  const place = zypperPlace(folder, folder, layer);
  const [home, settings, conf] = ['home', 'zypp.conf', 'zypper.conf'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  const env = { ...proxyVariables(layer), ...place.env, HOME: home, ZYPP_CONF: settings };
  let database = '';

  const rpm = (args: readonly string[], options: CommandOptions = {}) =>
    workspace.exec('rpm', ['--root', mountPoint, '--dbpath', database, ...args], { ...options, env: { HOME: home } });
  const zypper = zypperSession(target, workspace, used, {
    place,
    root: mountPoint,
    async begin() {
      database = `/${await databaseOf(mountPoint)}`;
      await place.make(home);
      // Debian's rpm would put the database into root's home, where the target's does not look for it.
      await writeFile(path.join(home, '.rpmmacros'), `%_dbpath ${database}\n`);
      const foreign = foreignArchitecture(layer);
      await writeFile(settings, foreign === undefined ? SETTINGS : `${SETTINGS}arch = ${rpmName(foreign)}\n`);
      await writeFile(conf, '');
    },
    async call(args, options) {
      const undo = await tracesBefore(target, workspace, folder);
      const argv = ['--config', conf, '--root', mountPoint, ...args];
      try {
        return await workspace.exec('zypper', argv, { ...options, env });
      } finally {
        await undo(args, database);
      }
    },
    async trusted() {
      return (await rpm(TRUSTED_KEYS.slice(1), { quiet: true })).stdout;
    },
    async importKey(name) {
      await rpm(['--import', path.join(place.keys, name)]);
    },
  });
  return {
    ...zypper,
    async addRepos() {
      checkRelease(target);
      await zypper.addRepos();
    },
  };
}

/**
 * What the host's zypper leaves in the image by its paths on this machine: solver files below `folder`, and its command line in the
 * history. To be called before; what it gives takes them out afterwards.
 */
async function tracesBefore(target: BuildTarget, workspace: Workspace, folder: string) {
  const { mountPoint } = target;
  const created = await absentAbove(mountPoint, folder);
  for (const log of ['/var/log/zypp', '/var/log']) {
    if ((await resolveInRoot(mountPoint, log)) === undefined) created.push(log);
  }
  const history = await statInRoot(mountPoint, HISTORY);
  return async (words: readonly string[], database: string) => {
    const file = await regularFileInRoot(mountPoint, HISTORY);
    if (file !== undefined && history === undefined) await rm(file);
    if (file !== undefined && history !== undefined) {
      await truncate(file, history.size);
      await utimes(file, history.atime, history.mtime);
    }
    await removeTraces(target, workspace, { place: folder, created, words: words.join(' '), database });
  };
}

async function databaseOf(mountPoint: string): Promise<string> {
  for (const folder of DATABASES) if ((await statInRoot(mountPoint, folder))?.isDirectory()) return folder;
  return 'var/lib/rpm';
}

/** zypper takes it from the root's product, which a root from scratch does not have yet. */
function checkRelease({ layer, fromScratch }: BuildTarget): void {
  if (!fromScratch || layer.options.releasever !== undefined) return;
  const repo = [...layer.exclusive_repos, ...layer.repos].find(({ url, config }) =>
    usesRelease(`${url ?? ''}${config ?? ''}`),
  );
  if (repo === undefined) return;
  throw new BuildFailure(`repository ${repo.alias} uses $releasever, and the release is not known`, {
    hint: 'set `releasever` under `options`, for example 15.6',
  });
}
