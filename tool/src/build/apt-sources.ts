import { readFile } from 'node:fs/promises';
import type { Layer } from '../config/layer.ts';
import type { Repo } from '../config/schema.ts';
import { download } from '../system/download.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { proxyVariables } from './proxy.ts';

/** A repository as apt reads it: a file of sources, and the key that signs it. */
export interface AptSource {
  /** Name below /etc/apt/sources.list.d. */
  readonly name: string;
  /** The file's text; `keyFile` is where the key lies for whoever reads it. */
  text(keyFile: string | undefined): string;
  readonly key?: { readonly name: string; readonly data: Buffer };
}

/** Where keys of repositories lie in the image. */
export const KEYRINGS = '/etc/apt/keyrings';

/** Checks and reads what the layer lists. Warns about, or refuses, repositories without a key, as `gpgcheck` says. */
export async function aptSources(target: BuildTarget, workspace: Workspace, suite: string): Promise<AptSource[]> {
  const { layer } = target;
  checkKeys(layer, workspace);
  const sources: AptSource[] = [];
  for (const repo of layer.repos) {
    const name = safeName(repo.alias);
    if (repo.priority !== undefined) workspace.warn(`repository ${repo.alias}: priority has no effect with apt`);
    const key = repo.gpg === undefined ? undefined : await readKey(repo, repo.gpg, target, workspace);
    const keyed = key === undefined ? {} : { key: { name: `${name}.${isArmored(key) ? 'asc' : 'gpg'}`, data: key } };
    if (repo.config !== undefined) {
      const { config } = repo;
      const extension = /^Types:/m.test(config) ? 'sources' : 'list';
      sources.push({ name: `${name}.${extension}`, text: () => withNewline(config), ...keyed });
    } else {
      sources.push({ name: `${name}.sources`, text: (keyFile) => stanza(repo, layer, suite, keyFile), ...keyed });
    }
  }
  return sources;
}

function stanza(repo: Repo, layer: Layer, suite: string, keyFile: string | undefined): string {
  if (repo.url === undefined) throw new BuildFailure(`repository ${repo.alias} has neither url nor config`);
  const dist = repo.apt_dist ?? suite;
  const fields = {
    Types: 'deb',
    URIs: repo.url,
    Suites: dist,
    // A suite that ends with a slash is a flat repository, which has no components.
    ...(dist.endsWith('/') ? {} : { Components: repo.apt_comp ?? 'main' }),
    ...(keyFile === undefined ? {} : { 'Signed-By': keyFile }),
    ...(layer.options.gpgcheck === false ? { Trusted: 'yes' } : {}),
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${oneLine(repo, value)}\n`)
    .join('');
}

/** A second line would be a field of its own. */
function oneLine(repo: Repo, value: string): string {
  if (/[\r\n]/.test(value)) throw new BuildFailure(`repository ${repo.alias}: a value has more than one line`);
  return value;
}

function checkKeys({ repos, options }: Layer, workspace: Workspace): void {
  if (options.gpgcheck === false) return;
  const keyless = repos.filter((repo) => repo.gpg === undefined && repo.config === undefined).map((repo) => repo.alias);
  if (keyless.length === 0) return;
  if (options.gpgcheck === 'strict') {
    throw new BuildFailure(`gpgcheck: strict, and there is no gpg key for ${keyless.join(', ')}`);
  }
  workspace.warn(`no gpg key for ${keyless.join(', ')}: apt checks against the keys of the distribution`);
}

async function readKey(repo: Repo, gpg: string, target: BuildTarget, workspace: Workspace): Promise<Buffer> {
  try {
    if (/^https?:/.test(gpg)) {
      return await download(gpg, { env: proxyVariables(target.layer), signal: workspace.signal });
    }
    return await readFile(gpg.startsWith('file:') ? new URL(gpg) : target.resolve(gpg));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BuildFailure(`the gpg key of repository ${repo.alias} cannot be read: ${why}`, { cause });
  }
}

function isArmored(key: Buffer): boolean {
  return key.subarray(0, 64).includes('-----BEGIN PGP');
}

/** apt reads only files whose names are made of these. */
function safeName(alias: string): string {
  return alias.replaceAll(/[^a-zA-Z0-9_-]+/g, '-');
}

function withNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
