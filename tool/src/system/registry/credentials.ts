import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Exec } from '../command.ts';
import { parsedJson } from './json.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export type Credentials =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  /** For an OAuth2 token request. */
  | { readonly kind: 'identity'; readonly token: string };

interface AuthFile {
  readonly auths?: Readonly<Record<string, { readonly auth?: string; readonly identitytoken?: string } | undefined>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

interface Looking {
  readonly env: Environment;
  /** `--authfile`: no other file is read then. */
  readonly authFile?: string;
  /** Of registries.conf: programs, or `containers-auth.json` for the files. */
  readonly helpers: readonly string[];
  /** For credential helpers. */
  readonly exec: Exec;
}

/**
 * The credentials for a repository (`HOST[:PORT]/PATH`), as containers-auth.json(5) has it: the entry that names most of it, in the
 * first file that has one. Undefined: none.
 */
export async function findCredentials(repository: string, looking: Looking): Promise<Credentials | undefined> {
  const keys = keysOf(repository);
  const host = keys.at(-1) ?? '';
  for (const helper of looking.helpers) {
    const found =
      helper === 'containers-auth.json' ? await fromFiles(keys, looking) : await fromHelper(helper, host, looking.exec);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `h/a/b` → `h/a/b`, `h/a`, `h`. */
function keysOf(repository: string): string[] {
  const parts = repository.split('/');
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('/'));
}

async function fromFiles(keys: readonly string[], looking: Looking): Promise<Credentials | undefined> {
  const host = keys.at(-1) ?? '';
  for (const name of filesOf(looking)) {
    const file = await readAuthFile(name);
    if (file === undefined) continue;
    const helped = keys.find((key) => file.credHelpers?.[key] !== undefined);
    if (helped !== undefined) return fromHelper(file.credHelpers?.[helped] ?? '', helped, looking.exec);
    const entry = entryFor(keys, file);
    const found = entry && credentialsIn(entry);
    if (found !== undefined) return found;
    const stored = file.credsStore ? await fromHelper(file.credsStore, host, looking.exec) : undefined;
    if (stored !== undefined) return stored;
  }
  return undefined;
}

function filesOf({ env, authFile }: Looking): string[] {
  const only = authFile ?? env.REGISTRY_AUTH_FILE;
  if (only) return [only];
  const home = env.HOME ?? '/root';
  const runtime = env.XDG_RUNTIME_DIR
    ? path.join(env.XDG_RUNTIME_DIR, 'containers')
    : `/run/containers/${process.getuid?.() ?? 0}`;
  return [
    path.join(runtime, 'auth.json'),
    path.join(env.XDG_CONFIG_HOME || path.join(home, '.config'), 'containers/auth.json'),
    path.join(env.DOCKER_CONFIG || path.join(home, '.docker'), 'config.json'),
  ];
}

async function readAuthFile(name: string): Promise<AuthFile | undefined> {
  let text: string;
  try {
    text = await readFile(name, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
  const file = parsedJson<AuthFile>(text);
  if (file === undefined) throw new Error(`${name} is not JSON: log in again, or mend it`);
  return file;
}

/** Names as written first; then hosts as old files of docker write them: `https://HOST/v1/`. */
function entryFor(keys: readonly string[], { auths = {} }: AuthFile) {
  for (const key of keys) if (auths[key] !== undefined) return auths[key];
  const host = keys.at(-1) ?? '';
  const isWholeHost = (name: string) => /^https?:\/\//.test(name) || !name.includes('/');
  return Object.entries(auths).find(([name]) => isWholeHost(name) && hostOf(name) === host)?.[1];
}

function hostOf(name: string): string {
  const host = name.replace(/^https?:\/\//, '').split('/')[0] ?? '';
  return /^(index|registry-1)\.docker\.io$/.test(host) ? 'docker.io' : host;
}

function credentialsIn(entry: { readonly auth?: string; readonly identitytoken?: string }): Credentials | undefined {
  if (entry.identitytoken) return { kind: 'identity', token: entry.identitytoken };
  // Go pads with NUL what another tool encrypted.
  const text = Buffer.from(entry.auth ?? '', 'base64')
    .toString('utf8')
    .replace(/\0+$/, '');
  return passwordFrom(text);
}

/** `user:password`; a password may hold colons. */
export function passwordFrom(text: string): Credentials | undefined {
  const colon = text.indexOf(':');
  if (text === '') return undefined;
  return colon === -1
    ? { kind: 'password', user: text, password: '' }
    : { kind: 'password', user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** `docker-credential-NAME get`, which reads the host and writes JSON. Says nothing of what it wrote when it fails. */
async function fromHelper(name: string, key: string, exec: Exec): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  // The helper that knows nothing says so on its standard output, with exit 1.
  const accept = [0, 1];
  const { stdout, exitCode } = await exec(program, ['get'], { input: key, quiet: true, totalMs: 30_000, accept });
  if (exitCode !== 0 && /not found|no credentials|not logged in/i.test(stdout)) return undefined;
  const answer = parsedJson<{ Username?: string; Secret?: string }>(stdout);
  if (answer === undefined) throw new Error(`${program} gave no credentials for ${key}`);
  const { Username: user, Secret: secret } = answer;
  if (!secret) return undefined;
  return user === '<token>'
    ? { kind: 'identity', token: secret }
    : { kind: 'password', user: user ?? '', password: secret };
}
