import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import type { Dnf } from './dnf.ts';
import { dnfOptions, withSettings } from './dnf-conf.ts';
import { reposOfImage, variablesOf } from './dnf-image-repos.ts';
import { addDnfMetadata } from './dnf-metadata.ts';
import { dnfRepos, putRepos } from './dnf-repos.ts';
import { borrowCache } from './package-cache.ts';
import { exportScript, proxyVariables } from './proxy.ts';
import type { UsedRepositories } from './repositories.ts';
import { readInRoot, statInRoot } from './root-files.ts';

const CACHE = '/var/cache/dnf';
const RUN = `set -eu
export LC_ALL=C.UTF-8
. ${CACHE}/layers-proxy.sh
exec dnf -c ${CACHE}/layers.conf -y "$@"
`;

/** The image's own dnf, with our cache for the time of the call. */
export function dnfInside(target: BuildTarget, workspace: Workspace, used: UsedRepositories): Dnf {
  const { layer, container, mountPoint } = target;
  let hasFreshMetadata = false;
  return {
    addRepos: () => putRepos(dnfRepos(target, workspace), target, workspace),
    async run(verb, names, onLine) {
      if ((await statInRoot(mountPoint, 'usr/bin/dnf')) === undefined) {
        throw new BuildFailure('there is no dnf in the parent image', {
          hint: "`force_installroot: true` under `options` takes the host's dnf",
        });
      }
      const folder = path.join(workspace.temporary, `dnf-cache-${crypto.randomUUID()}`);
      const cache = await borrowCache(path.join(workspace.caches, 'dnf'), folder);
      const conf = (await readInRoot(mountPoint, 'etc/dnf/dnf.conf')) ?? '';
      const settings = { keepcache: '1', ...dnfOptions(layer.options.dnf_options) };
      await writeFile(path.join(folder, 'layers.conf'), withSettings(conf, settings), { mode: 0o600 });
      const proxy = exportScript(proxyVariables(layer));
      await writeFile(path.join(folder, 'layers-proxy.sh'), proxy, { mode: 0o600 });
      const refresh = hasFreshMetadata ? [] : ['--refresh'];
      try {
        await workspace.buildah.run(container, ['/bin/sh', '-c', RUN, 'sh', ...refresh, ...verb, '--', ...names], {
          volumes: [`${folder}:${CACHE}`],
          collect: false,
          ...(onLine === undefined ? {} : { onLine }),
        });
        hasFreshMetadata = true;
        if (verb.includes('install')) {
          const repos = await reposOfImage(mountPoint, conf);
          await addDnfMetadata(folder, repos, await variablesOf(layer, mountPoint), used);
        }
      } finally {
        await cache.giveBack();
      }
    },
  };
}
