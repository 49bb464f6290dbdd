import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import path from 'node:path';
import { promisify } from 'node:util';
import { startFaultyProxy } from './faulty-proxy.ts';
import { startRegistry } from './registry.ts';

const USERS = { writer: 'may-write', reader: 'may-read' } as const;
type User = keyof typeof USERS;

/** A registry that asks for a login, where one user may only read. */
export interface CiRegistry {
  /** `127.0.0.1:PORT`, plain HTTP. */
  readonly host: string;
  /** An auth file with the credentials of that user alone. */
  readonly auth: Readonly<Record<User, string>>;
  /** Requests that would have written, by who sent them, since the start. */
  readonly writes: Record<User, number>;
  /** Repository → tag → digest. */
  tags(): Promise<Record<string, Record<string, string>>>;
  end(): Promise<void>;
}

/** Debian's docker-registry with htpasswd, behind a proxy that refuses the reader's writes: it has no rights of its own. */
export async function startCiRegistry(folder: string): Promise<CiRegistry> {
  await mkdir(folder, { recursive: true });
  const hash = 'import crypt,sys; print(crypt.crypt(sys.argv[1], crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))';
  const lines = Object.entries(USERS).map(async ([user, password]) => {
    const { stdout } = await promisify(execFile)('python3', ['-W', 'ignore', '-c', hash, password]);
    return `${user}:${stdout.trim()}\n`;
  });
  const htpasswd = path.join(folder, 'htpasswd');
  await writeFile(htpasswd, (await Promise.all(lines)).join(''));
  const registry = await startRegistry(folder, { htpasswd });
  const writes = { writer: 0, reader: 0 };
  const proxy = await startFaultyProxy(registry.host, (request) => {
    const user = userOf(request);
    if (user === undefined || ['GET', 'HEAD'].includes(request.method ?? '')) return undefined;
    writes[user] += 1;
    return user === 'reader' ? { status: 403 } : undefined;
  });
  const authorization = (user: User) => Buffer.from(`${user}:${USERS[user]}`).toString('base64');
  const authFile = async (user: User) => {
    const file = path.join(folder, `${user}.json`);
    await writeFile(file, JSON.stringify({ auths: { [proxy.host]: { auth: authorization(user) } } }));
    return file;
  };
  const get = async (place: string, headers = {}) => {
    const all = { authorization: `Basic ${authorization('reader')}`, ...headers };
    return fetch(`http://${registry.host}/v2/${place}`, { headers: all });
  };
  return {
    host: proxy.host,
    auth: { writer: await authFile('writer'), reader: await authFile('reader') },
    writes,
    async tags() {
      const { repositories } = (await (await get('_catalog')).json()) as { repositories: string[] };
      const all: Record<string, Record<string, string>> = {};
      for (const repository of repositories) {
        const { tags } = (await (await get(`${repository}/tags/list`)).json()) as { tags: string[] | null };
        all[repository] = {};
        for (const tag of [...(tags ?? [])].sort()) {
          const accept = 'application/vnd.oci.image.manifest.v1+json';
          const found = await get(`${repository}/manifests/${tag}`, { accept });
          all[repository][tag] = found.headers.get('docker-content-digest') ?? '';
        }
      }
      return all;
    },
    async end() {
      proxy.close();
      await registry.end();
    },
  };
}

function userOf({ headers }: IncomingMessage): User | undefined {
  const encoded = /^Basic (.+)/.exec(headers.authorization ?? '')?.[1] ?? '';
  const [user] = Buffer.from(encoded, 'base64').toString().split(':');
  return user === 'writer' || user === 'reader' ? user : undefined;
}
