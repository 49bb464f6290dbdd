import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { debianName } from '../config/architectures.ts';
import type { Layer } from '../config/layer.ts';
import type { Workspace } from '../system/workspace.ts';
import { aptFailure } from './apt-failure.ts';
import { removeSteps } from './apt-install.ts';
import { writeAuth } from './apt-login.ts';
import { addAptMetadata, LIST_SOURCES, SOURCES } from './apt-metadata.ts';
import { aptNames } from './apt-names.ts';
import { putSources } from './apt-put-sources.ts';
import { aptSources } from './apt-sources.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { foreignArchitecture } from './foreign.ts';
import type { BuildStep } from './package-manager.ts';
import { proxyVariables } from './proxy.ts';
import type { UsedRepositories } from './repositories.ts';
import { osRelease } from './root-files.ts';

/** Hooks are shell lines by mmdebstrap's nature: these are constant, and `$1` is the root. */
const FILL_CACHE =
  'mkdir -p "$1/var/cache/apt/archives"; cp --reflink=auto "$LAYERS_APT_CACHE"/*.deb "$1/var/cache/apt/archives/" 2>/dev/null || :';
const KEEP_PACKAGES =
  'for f in "$1"/var/cache/apt/archives/*.deb; do k="$LAYERS_APT_CACHE/$(basename "$f")"; [ -e "$k" ] || { cp --reflink=auto "$f" "$k.$$.tmp" && mv "$k.$$.tmp" "$k"; } || :; done';
/** Before mmdebstrap removes the lists. It runs the host's apt on the root, by a configuration that hooks do not have by default. */
const KEEP_METADATA = `APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" ${LIST_SOURCES} > "$LAYERS_APT_METADATA/${SOURCES}" && cp "$1"/var/lib/apt/lists/*Release "$LAYERS_APT_METADATA/" || :`;
/** mmdebstrap copies both from the host. */
const FORGET_HOST = 'chroot "$1" rm -f /etc/hostname /etc/resolv.conf';
/** Made again by us, with keys where the image has them. */
const FORGET_SOURCES =
  'chroot "$1" rm -f /etc/apt/sources.list /etc/apt/sources.list.d/0000layers.sources /etc/apt/sources.list.d/0000layers.list';

/** The second file, where both formats are listed. */
const FORGET_LIST = 'chroot "$1" rm -f /etc/apt/sources.list.d/0001layers.list';

/** For repositories that want a login: apt looks for it in the root, where nothing is yet, and nothing stays. */
const LOG_IN = 'install -D -m 0600 "$LAYERS_APT_AUTH" "$1/etc/apt/auth.conf.d/layers.conf"';
const FORGET_LOGIN = 'chroot "$1" rm -f /etc/apt/auth.conf.d/layers.conf';

/** A Debian root from nothing, its packages in the same run of apt. */
export function bootstrapSteps(target: BuildTarget, workspace: Workspace, used: UsedRepositories): BuildStep[] {
  return [{ name: 'packages', run: () => bootstrap(target, workspace, used) }, ...removeSteps(target, workspace)];
}

async function bootstrap(target: BuildTarget, workspace: Workspace, used: UsedRepositories): Promise<void> {
  const { layer, mountPoint } = target;
  const { temporary } = workspace;
  const suite = suiteOf(layer, (await osRelease('/')).VERSION_CODENAME);
  const sources = await aptSources(target, workspace, suite);
  const mirrors = await bootstrapSources();
  const foreign = foreignArchitecture(layer);
  const cacheName = [
    'apt-scratch',
    suite.replaceAll(/[^\w.-]+/g, '-'),
    ...(foreign === undefined ? [] : [foreign]),
  ].join('-');
  const cache = path.join(workspace.caches, cacheName);
  const metadata = path.join(temporary, 'apt-metadata');
  for (const folder of [cache, metadata]) await mkdir(folder, { recursive: true });
  const kept = [KEEP_PACKAGES, KEEP_METADATA, FORGET_HOST];
  const hooks = [`--setup-hook=${FILL_CACHE}`, ...kept.map((hook) => `--customize-hook=${hook}`)];
  if (mirrors.length > 0) hooks.push(`--customize-hook=${FORGET_SOURCES}`);
  if (mirrors.length > 1) hooks.push(`--customize-hook=${FORGET_LIST}`);
  const auth = await writeAuth(sources, path.join(temporary, 'apt-auth.conf'));
  if (auth !== undefined) hooks.push(`--setup-hook=${LOG_IN}`, `--customize-hook=${FORGET_LOGIN}`);
  // Both steps of mmdebstrap that would mind, or remove, the packages of the cache.
  const skips = ['--skip=download/empty', '--skip=essential/unlink'];
  const variant = `--variant=${layer.options.variant}`;
  const args = [
    '--mode=root',
    variant,
    ...(foreign === undefined ? [] : [`--architectures=${debianName(foreign)}`]),
    '--verbose',
    ...skips,
    ...hooks,
    ...includes(target),
    '--',
    suite,
    mountPoint,
    ...mirrors,
  ];
  const build = workspace.exec('mmdebstrap', args, {
    env: {
      ...proxyVariables(layer),
      LAYERS_APT_CACHE: cache,
      LAYERS_APT_METADATA: metadata,
      ...(auth === undefined ? {} : { LAYERS_APT_AUTH: auth }),
      DEBIAN_FRONTEND: 'noninteractive',
    },
    collect: false,
    secrets: sources.flatMap(({ secrets }) => secrets),
  });
  await build.catch((cause: unknown) => {
    throw aptFailure(cause);
  });
  await addAptMetadata(metadata, used, workspace);
  await putSources(sources, target, workspace);

  /** Sources for mmdebstrap, which runs apt on the host: in a file a format, as a URL may carry credentials. */
  async function bootstrapSources(): Promise<string[]> {
    const files: string[] = [];
    // mmdebstrap numbers them in this order.
    for (const kind of ['sources', 'list']) {
      const parts: string[] = [];
      for (const { key, name, text } of sources) {
        if (!name.endsWith(`.${kind}`)) continue;
        const file = key === undefined ? undefined : path.join(temporary, key.name);
        if (key !== undefined && file !== undefined) await writeFile(file, key.data);
        parts.push(text(file));
      }
      if (parts.length === 0) continue;
      const file = path.join(temporary, `layers.${kind}`);
      await writeFile(file, parts.join('\n'));
      files.push(file);
    }
    return files;
  }
}

function includes({ layer }: BuildTarget): string[] {
  const names = aptNames(layer);
  const split = names.find((name) => /[\s,]/.test(name));
  if (split !== undefined) throw new BuildFailure(`packages: ${JSON.stringify(split)} is not a package name`);
  return names.map((name) => `--include=${name}`);
}

function firstDist({ exclusive_repos: exclusive, repos }: Layer): string | undefined {
  // A flat repository has a folder there.
  return [...exclusive, ...repos].find(({ apt_dist: dist }) => dist !== undefined && !dist.endsWith('/'))?.apt_dist;
}

/** The suite to install: the layer's, else its first repository's, else the host's. Throws BuildFailure without any. */
export function suiteOf(layer: Layer, hostCodename: string | undefined): string {
  const suite = layer.options.suite ?? firstDist(layer) ?? hostCodename;
  if (suite !== undefined) return suite;
  throw new BuildFailure('which suite to install is not known', {
    hint: 'set `suite` under `options`, for example bookworm',
  });
}
