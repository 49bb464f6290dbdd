import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Layer } from '../config/layer.ts';
import { maskSecrets } from '../config/secrets.ts';
import { download } from '../system/download.ts';
import { repomdUrl } from './dnf-metadata.ts';
import { parseRepoFile } from './dnf-repo-config.ts';
import { proxyVariables } from './proxy.ts';
import { metadataDigest, publicUrl } from './repositories.ts';

/** Files that are the metadata itself; any other URL is a list of mirrors or a metalink. */
const METADATA = /\/(InRelease|Release|repomd\.xml)(\?.*)?$/;
const ATTEMPTS = 2;

export interface AskingMetadata {
  /** Whose proxy counts. */
  readonly layer: Layer;
  /** Whose repositories may carry what logs in: the layer, and those above it, whose repositories it inherits. */
  readonly lenders: readonly Layer[];
  /** For the proxy variables, which those of the layer beat. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/**
 * What a repository's metadata is at this moment: `sha256:…`. Goes through the layer's proxy, trusts what the system trusts, and
 * logs in with what the layers' repositories carry for that place. Throws in words without credentials.
 * @param url as recorded (`UsedRepositories`)
 */
export async function metadataNow(url: string, asking: AskingMetadata): Promise<string> {
  try {
    if (METADATA.test(url)) return metadataDigest(await read(url, asking));
    const list = (await read(url, asking)).toString('utf8');
    const promised = /<hash\s+type="sha256"\s*>\s*([0-9a-f]{64})\s*</.exec(list)?.[1];
    if (promised !== undefined) return `sha256:${promised}`;
    const mirror = list.split('\n').find((line) => /^(https?|file):/.test(line.trim()));
    if (mirror === undefined) throw new Error('it names no mirror');
    return metadataDigest(await read(repomdUrl(mirror.trim()), asking));
  } catch (error) {
    asking.signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${url} cannot be asked: ${maskSecrets(why)}`, { cause: error });
  }
}

async function read(url: string, { layer, lenders, env, signal }: AskingMetadata): Promise<Buffer> {
  const scheme = /^([a-z+]+):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === 'file' || scheme === 'copy')
    return readFile(fileURLToPath(`file://${url.replace(/^\w+:(\/\/)?/, '')}`));
  if (scheme !== 'http' && scheme !== 'https') throw new Error(`layers does not ask by ${scheme ?? 'no scheme'}`);
  const settings = { env: { ...env, ...proxyVariables(layer, env) }, signal };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await download(withLogin(url, lenders), settings);
    } catch (error) {
      // An answer is an answer; a connection may have been unlucky.
      const isAnswer = / answered 4\d\d /.test(String(error));
      if (attempt >= ATTEMPTS || isAnswer || signal.aborted) throw error;
    }
  }
}

/** With the user, the password and the secret parameters that a layer file has for that place. Nothing else logs in. */
function withLogin(url: string, lenders: readonly Layer[]): string {
  let best: { readonly place: string; readonly url: URL } | undefined;
  for (const own of lenders.flatMap(ownUrls)) {
    const place = publicUrl(own.href).split('?')[0] ?? '';
    const isCloser = place.length > (best?.place.length ?? -1);
    if (isCloser && `${url.split('?')[0]}/`.startsWith(`${place.replace(/\/+$/, '')}/`)) best = { place, url: own };
  }
  if (best === undefined) return url;
  const full = new URL(url);
  [full.username, full.password] = [best.url.username, best.url.password];
  for (const [name, value] of best.url.searchParams)
    if (!full.searchParams.has(name)) full.searchParams.set(name, value);
  return full.href;
}

/** URLs of the layer's repositories as it writes them, as far as they are some: those with variables end before the first. */
function ownUrls({ repos, exclusive_repos: exclusive }: Layer): URL[] {
  const logins: URL[] = [];
  for (const { url, config } of [...repos, ...exclusive]) {
    const words = [url ?? '', ...(config ?? '').split(/[\s,=]+/)].filter((word) => /^https?:\/\//.test(word));
    for (const word of words) {
      const beforeVariables = word.replace(/\/[^/]*\$.*$/, '/');
      if (URL.canParse(beforeVariables)) logins.push(new URL(beforeVariables));
    }
    for (const { place, username, password } of config === undefined ? [] : parseRepoFile(config)) {
      const base = place.url.replace(/\/[^/]*\$.*$/, '/');
      if (username === undefined || !URL.canParse(base)) continue;
      logins.push(Object.assign(new URL(base), { username, password: password ?? '' }));
    }
  }
  return logins.filter(({ username, password, search }) => username !== '' || password !== '' || search !== '');
}
