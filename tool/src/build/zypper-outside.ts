import { rm, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { rpmName } from '../config/architectures.ts';
import { regularFileInRoot, resolveInRoot } from '../system/in-root.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { usesRelease } from './dnf-release.ts';
import { absentAbove, removeTraces } from './dnf-traces.ts';
import { foreignArchitecture } from './foreign.ts';
import { proxyVariables } from './proxy.ts';
import type { UsedRepositories } from './repositories.ts';
import { statInRoot } from './root-files.ts';
import { type RootPrograms, rootPrograms } from './root-programs.ts';
import type { Zypper } from './zypper.ts';
import { TRUSTED_KEYS, zypperPlace } from './zypper-place.ts';
import { zypperSession } from './zypper-session.ts';

/** As SUSE's own; a host's settings must not decide what an image holds. */
const SETTINGS = '[main]\nrepo.refresh.delay = 0\nsolver.onlyRequires = false\ndownload.max_silent_tries = 5\n';
const HISTORY = '/var/log/zypp/history';

/**
 * A zypper on the mounted root, from outside of it: the host's, for a root from scratch or with `force_installroot`, or that of the
 * layer's tools image.
 */
export function zypperOutside(target: BuildTarget, workspace: Workspace, used: UsedRepositories): Zypper {
  const { layer } = target;
  const folder = path.join(workspace.temporary, 'zypper');
  const programs = rootPrograms('zypper', folder, target, workspace);
  const place = zypperPlace(folder, programs.folder, layer);
  const env = { ...proxyVariables(layer), ...place.env, ...programs.env, ZYPP_CONF: `${programs.folder}/zypp.conf` };

  const zypper = zypperSession(target, workspace, used, {
    place,
    root: programs.root,
    async begin() {
      await programs.begin();
      await place.make();
      const foreign = foreignArchitecture(layer);
      const settings = foreign === undefined ? SETTINGS : `${SETTINGS}arch = ${rpmName(foreign)}\n`;
      await writeFile(path.join(folder, 'zypp.conf'), settings);
      await writeFile(path.join(folder, 'zypper.conf'), '');
    },
    async call(args, options) {
      const undo = await tracesBefore(target, programs);
      const argv = ['--config', `${programs.folder}/zypper.conf`, '--root', programs.root, ...args];
      try {
        return await programs.run('zypper', argv, { ...options, env });
      } finally {
        await undo(args);
      }
    },
    async trusted() {
      return (await programs.rpm(TRUSTED_KEYS.slice(1), { quiet: true })).stdout;
    },
    async importKey(name) {
      await programs.rpm(['--import', `${programs.folder}/keys/${name}`]);
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
 * What a zypper from outside leaves in the image by its own paths: solver files below its folder, and its command line in the
 * history. To be called before; what it gives takes them out afterwards.
 */
async function tracesBefore(target: BuildTarget, programs: RootPrograms) {
  const { mountPoint } = target;
  const created = await absentAbove(mountPoint, programs.folder);
  for (const log of ['/var/log/zypp', '/var/log']) {
    if ((await resolveInRoot(mountPoint, log)) === undefined) created.push(log);
  }
  const history = await statInRoot(mountPoint, HISTORY);
  return async (words: readonly string[]) => {
    const file = await regularFileInRoot(mountPoint, HISTORY);
    if (file !== undefined && history === undefined) await rm(file);
    if (file !== undefined && history !== undefined) {
      await truncate(file, history.size);
      await utimes(file, history.atime, history.mtime);
    }
    await removeTraces(target, programs, { created, words: words.join(' ') });
  };
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
