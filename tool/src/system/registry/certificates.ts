import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** What certs.d holds for a host, PEM. */
export interface HostCertificates {
  /** Trusted beside the system's. */
  readonly authorities: readonly string[];
  /** What we show of ourselves. */
  readonly client?: { readonly cert: string; readonly key: string };
}

const NONE: HostCertificates = { authorities: [] };

/**
 * The first folder that is there, as containers-certs.d(5) says: `folder` (`--cert-dir`), or `HOST[:PORT]` below each certs.d. In
 * it `*.crt` are authorities, `NAME.cert` with `NAME.key` is a client's.
 */
export async function loadCertificates(
  host: string,
  { env, folder }: { readonly env: Readonly<Record<string, string | undefined>>; readonly folder?: string },
): Promise<HostCertificates> {
  if (folder !== undefined) return (await readFolder(folder)) ?? NONE;
  const parents = ['/etc/containers/certs.d', '/etc/docker/certs.d'];
  if (env.HOME !== undefined) parents.unshift(path.join(env.HOME, '.config/containers/certs.d'));
  for (const parent of parents) {
    const found = await readFolder(path.join(parent, host));
    if (found !== undefined) return found;
  }
  return NONE;
}

async function readFolder(folder: string): Promise<HostCertificates | undefined> {
  const names = await readdir(folder).catch(() => undefined);
  if (names === undefined) return undefined;
  const text = (name: string) => readFile(path.join(folder, name), 'utf8');
  const authorities = await Promise.all(names.filter((name) => name.endsWith('.crt')).map(text));
  const client = names.toSorted().find((name) => name.endsWith('.cert'));
  if (client === undefined) return { authorities };
  const key = client.replace(/\.cert$/, '.key');
  if (!names.includes(key)) throw new Error(`${path.join(folder, client)} has no ${key} beside it`);
  return { authorities, client: { cert: await text(client), key: await text(key) } };
}
