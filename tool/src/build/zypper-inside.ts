import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { CommandOptions } from '../system/command.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { exportScript, proxyVariables } from './proxy.ts';
import type { UsedRepositories } from './repositories.ts';
import { statInRoot } from './root-files.ts';
import type { Zypper } from './zypper.ts';
import { TRUSTED_KEYS, zypperPlace } from './zypper-place.ts';
import { zypperSession } from './zypper-session.ts';

const SEEN = '/var/cache/zypp';
const RUN = `set -eu
. ${SEEN}/layers-proxy.sh
exec "$@"
`;

/** The image's own zypper, with our folder in place of its cache for the time of the call. */
export function zypperInside(target: BuildTarget, workspace: Workspace, used: UsedRepositories): Zypper {
  const { layer, container, mountPoint } = target;
  const place = zypperPlace(path.join(workspace.temporary, 'zypper'), SEEN, layer);
  const inside = (argv: readonly string[], options: CommandOptions = {}) => {
    const { onLine, accept, collect, secrets, quiet } = options;
    return workspace.buildah.run(container, ['/bin/sh', '-c', RUN, 'sh', ...argv], {
      volumes: [`${place.folder}:${SEEN}`],
      ...(onLine === undefined ? {} : { onLine }),
      ...(accept === undefined ? {} : { accept }),
      ...(collect === undefined ? {} : { collect }),
      ...(secrets === undefined ? {} : { secrets }),
      ...(quiet === undefined ? {} : { quiet }),
    });
  };
  return zypperSession(target, workspace, used, {
    place,
    async begin() {
      if ((await statInRoot(mountPoint, 'usr/bin/zypper')) === undefined) {
        throw new BuildFailure('there is no zypper in the parent image', {
          hint: "`force_installroot: true` under `options` takes the host's zypper",
        });
      }
      const script = exportScript({ ...place.env, ...proxyVariables(layer) });
      await place.make();
      await writeFile(path.join(place.folder, 'layers-proxy.sh'), script, { mode: 0o600 });
    },
    call: (args, options) => inside(['zypper', ...args], options),
    trusted: async () => (await inside(TRUSTED_KEYS, { quiet: true })).stdout,
    importKey: async (name) => void (await inside(['rpm', '--import', `${SEEN}/keys/${name}`])),
  });
}
