import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import type { Dnf } from './dnf.ts';
import { checkOverride, dnfOptions, withoutSettings, withSettings } from './dnf-conf.ts';
import { addUsualFolder, confOfImage, removeImageRepos, reposOfImage, variablesOf } from './dnf-image-repos.ts';
import { addDnfMetadata } from './dnf-metadata.ts';
import { dnfRepos, KEYS, keyFailure, putRepos } from './dnf-repos.ts';
import { forcedInside } from './foreign.ts';
import { borrowCache } from './package-cache.ts';
import { exportScript, proxyVariables } from './proxy.ts';
import type { UsedRepositories } from './repositories.ts';
import { statInRoot } from './root-files.ts';

const CACHE = '/var/cache/dnf';
const RUN = `set -eu
export LC_ALL=C.UTF-8
. ${CACHE}/layers-proxy.sh
exec dnf --config=${CACHE}/layers.conf -y "$@"
`;

/** The image's own dnf, with our cache for the time of the call. */
export function dnfInside(target: BuildTarget, workspace: Workspace, used: UsedRepositories): Dnf {
  const { layer, container, mountPoint } = target;
  const { releasever } = layer.options;
  let hasFreshMetadata = false;
  let secrets: readonly string[] = [];

  /** Where there is no program rpm, dnf imports them when it meets their packages. */
  async function importKeys(names: readonly string[]): Promise<void> {
    const isChecked = layer.options.gpgcheck !== false;
    if (!isChecked || names.length === 0 || (await statInRoot(mountPoint, 'usr/bin/rpm')) === undefined) return;
    for (const name of names) {
      await workspace.buildah.run(container, ['rpm', '--import', `${KEYS}/${name}`]).catch((cause: unknown) => {
        throw keyFailure(name, cause);
      });
    }
  }

  return {
    async addRepos() {
      const repos = await dnfRepos(target, workspace);
      secrets = repos.flatMap((repo) => repo.secrets);
      if (layer.exclusive_repos.length > 0) await removeImageRepos(mountPoint, await confOfImage(mountPoint));
      await addUsualFolder(target, workspace);
      await putRepos(repos, target, workspace);
      await importKeys(repos.flatMap(({ key }) => (key === undefined ? [] : [key.name])));
    },
    async run(verb, names, onLine) {
      if ((await statInRoot(mountPoint, 'usr/bin/dnf')) === undefined) {
        throw new BuildFailure('there is no dnf in the parent image', {
          hint: "`force_installroot: true` under `options` takes the host's dnf",
        });
      }
      const folder = path.join(workspace.temporary, `dnf-cache-${crypto.randomUUID()}`);
      const cache = await borrowCache(path.join(workspace.caches, 'dnf'), folder);
      const proxies = proxyVariables(layer);
      const conf = await confOfImage(mountPoint);
      // That of its parent's builder, perhaps: beside it, the variables of this build would not count.
      const hasOwnProxy = Object.keys(proxies).some((name) => name !== 'no_proxy');
      const own = hasOwnProxy ? withoutSettings(conf, ['proxy']) : conf;
      // The folders that image-build names are those of its builder.
      const settings = {
        keepcache: '1',
        cachedir: CACHE,
        logdir: '/var/log',
        ...dnfOptions(layer.options.dnf_options),
      };
      await writeFile(path.join(folder, 'layers.conf'), withSettings(own, settings), { mode: 0o600 });
      await writeFile(path.join(folder, 'layers-proxy.sh'), exportScript(proxies), { mode: 0o600 });
      const options = [
        ...checkOverride(layer),
        ...forcedInside(layer),
        ...(releasever === undefined ? [] : [`--releasever=${releasever}`]),
        ...(hasFreshMetadata ? [] : ['--refresh']),
      ];
      try {
        await workspace.buildah.run(container, ['/bin/sh', '-c', RUN, 'sh', ...options, ...verb, '--', ...names], {
          volumes: [`${folder}:${CACHE}`],
          collect: false,
          secrets,
          ...(onLine === undefined ? {} : { onLine }),
        });
        hasFreshMetadata = true;
        if (verb[0] !== 'remove' && verb[0] !== 'repoquery') {
          const repos = await reposOfImage(mountPoint, conf);
          await addDnfMetadata(folder, repos, await variablesOf(layer, mountPoint, releasever), used);
        }
      } finally {
        await cache.giveBack();
      }
    },
  };
}
