import type { Layer } from '../config/layer.ts';
import type { Repo } from '../config/schema.ts';
import type { Workspace } from '../system/workspace.ts';
import { type BareSources, withoutLogins } from './apt-login.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { isArmored, readKey } from './repo-key.ts';

/** A repository as apt reads it: a file of sources, and the key that signs it. */
export interface AptSource extends Pick<BareSources, 'auth' | 'secrets'> {
  /** Name below /etc/apt/sources.list.d. */
  readonly name: string;
  /** The file's text; `keyFile` is where the key lies for whoever reads it. */
  text(keyFile: string | undefined): string;
  readonly key?: { readonly name: string; readonly data: Buffer };
}

/** Where keys of repositories lie in the image. */
export const KEYRINGS = '/etc/apt/keyrings';

/** Checks and reads what the layer lists, exclusive ones first. Warns about, or refuses, repositories without a key, as `gpgcheck` says. */
export async function aptSources(target: BuildTarget, workspace: Workspace, suite: string): Promise<AptSource[]> {
  const { layer } = target;
  checkKeys(layer, workspace);
  const sources: AptSource[] = [];
  for (const repo of listed(layer)) {
    const name = safeName(repo.alias);
    if (repo.priority !== undefined) workspace.warn(`repository ${repo.alias}: priority has no effect with apt`);
    const key = await readKey(repo, target, workspace);
    const keyed = key === undefined ? {} : { key: { name: `${name}.${isArmored(key) ? 'asc' : 'gpg'}`, data: key } };
    const { text, auth, secrets } = withoutLogins(repo.config ?? stanza(repo, layer, suite), repo.alias);
    if (auth.length > 0) {
      workspace.warn(
        `repository ${repo.alias}: its login is not kept in the image; what installs from it later has to bring it`,
      );
    }
    const isStanza = /^Types:/im.test(text);
    const put = isStanza ? withSignedBy : withSignedByOption;
    const file = `${name}.${isStanza ? 'sources' : 'list'}`;
    if (sources.some((one) => one.name === file))
      throw new BuildFailure(`two repositories would be written as ${file}`);
    sources.push({ name: file, text: (keyFile) => put(withNewline(text), keyFile), auth, secrets, ...keyed });
  }
  return sources;
}

function listed({ exclusive_repos: exclusive, repos }: Layer): readonly Repo[] {
  return [...exclusive, ...repos];
}

function stanza(repo: Repo, layer: Layer, suite: string): string {
  if (repo.url === undefined) throw new BuildFailure(`repository ${repo.alias} has neither url nor config`);
  const dist = repo.apt_dist ?? suite;
  const fields = {
    Types: 'deb',
    URIs: repo.url,
    Suites: dist,
    // A suite that ends with a slash is a flat repository, which has no components.
    ...(dist.endsWith('/') ? {} : { Components: repo.apt_comp ?? 'main' }),
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

/** Stanzas that name a key of their own keep it. */
function withSignedBy(text: string, keyFile: string | undefined): string {
  if (keyFile === undefined) return text;
  const stanzas = text.split(/\n(?:[ \t]*\n)+/);
  const signed = stanzas.map((one) =>
    /^Types:/im.test(one) && !/^Signed-By:/im.test(one) ? `${one.trimEnd()}\nSigned-By: ${keyFile}\n` : one,
  );
  return signed.join('\n');
}

/** The same for one-line sources. */
function withSignedByOption(text: string, keyFile: string | undefined): string {
  if (keyFile === undefined) return text;
  return text.replace(
    /^([ \t]*deb(?:-src)?[ \t]+)(?:\[([^\]]*)\][ \t]+)?/gm,
    (whole, type: string, options?: string) => {
      if (/signed-by=/i.test(options ?? '')) return whole;
      return `${type}[${[options?.trim(), `signed-by=${keyFile}`].filter(Boolean).join(' ')}] `;
    },
  );
}

/** A text that the layer gives whole may name its key itself. */
function checkKeys(layer: Layer, workspace: Workspace): void {
  const { gpgcheck } = layer.options;
  if (gpgcheck === false) return;
  const namesKey = ({ config }: Repo) => /signed-by\s*[:=]/i.test(config ?? '');
  const keyless = listed(layer).filter((repo) => repo.gpg === undefined && !namesKey(repo));
  const names = keyless.map((repo) => repo.alias).join(', ');
  if (names === '') return;
  if (gpgcheck === 'strict') {
    throw new BuildFailure(`gpgcheck: strict, and there is no gpg key for ${names}`, {
      hint: 'add `gpg` to its entry of `repos`',
    });
  }
  workspace.warn(`no gpg key for ${names}: apt checks against the keys of the distribution`);
}

/** apt reads only files whose names are made of these. */
function safeName(alias: string): string {
  return alias.replaceAll(/[^a-zA-Z0-9_-]+/g, '-');
}

function withNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
