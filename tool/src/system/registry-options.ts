import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { RegistryAccess } from './registry/registries.ts';

/** `registry_opts_push` or `registry_opts_pull`, in the forms that the programs take. No credentials in any of them. */
export interface RegistryOptions {
  /** Arguments of `buildah push`, `from` and `pull`. */
  readonly buildah: readonly string[];
  /** For skopeo: its flags' names and values, to be prefixed by `--` or `--src-`, `--dest-`. */
  readonly skopeo: readonly string[];
}

/** What our own client needs of the same options. Paths are absolute. */
export function registryAccess(words: readonly string[], root: string): RegistryAccess {
  let access: RegistryAccess = {};
  for (const { name, value } of flagsOf(words)) {
    if (name === 'creds') access = { ...access, credentials: value ?? '' };
    else if (name === 'authfile' && value) access = { ...access, authFile: path.resolve(root, value) };
    else if (name === 'cert-dir' && value) access = { ...access, certDir: path.resolve(root, value) };
    // As a flag of Go: alone it means true.
    else if (name === 'tls-verify') access = { ...access, tlsVerify: !/^(false|f|0)$/i.test(value ?? 'true') };
  }
  return access;
}

/** The same options, pushing an OCI manifest whatever format they name: docker's cannot carry annotations. */
export function withOciFormat(words: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    if (word === '--format' || word === '-f') i++;
    else if (!/^(--format=|-f)/.test(word)) kept.push(word);
  }
  return [...kept, '--format', 'oci'];
}

/** Whether the options ask for docker's own format. */
export function wantsDockerFormat(words: readonly string[]): boolean {
  return words.some((word, i) => {
    const value =
      /^(?:--format=|-f=?)(.+)/.exec(word)?.[1] ?? (/^(--format|-f)$/.test(word) ? words[i + 1] : undefined);
    return value !== undefined && /^(v2s[12]|docker)$/.test(value);
  });
}

interface Place {
  /** Where `--creds` goes: `HOST[:PORT]/…` of the image. */
  readonly repository: string;
  /** Private folder for an auth file; gone after the run. */
  readonly temporary: string;
  /** Relative `--authfile` and `--cert-dir` start here. */
  readonly root: string;
}

/** What skopeo has too. Everything else is buildah's alone (`--compression-level`, `--format`, …). */
const SHARED = ['authfile', 'cert-dir', 'tls-verify'];
const TAKE_VALUE = ['authfile', 'cert-dir', 'creds'];

/**
 * Reads the options of a layer file. `--creds=USER:PASSWORD` becomes a private auth file, as argv can be read by every user of
 * the machine.
 */
export async function registryOptions(words: readonly string[], place: Place): Promise<RegistryOptions> {
  const buildah: string[] = [];
  const skopeo: string[] = [];
  for (const { name, value, word } of flagsOf(words)) {
    if (name === 'creds') {
      const flag = `authfile=${await authFile(value ?? '', place)}`;
      buildah.push(`--${flag}`);
      skopeo.push(flag);
    } else if (name !== undefined && SHARED.includes(name)) {
      const isPath = name !== 'tls-verify' && value !== undefined;
      const text = isPath ? path.resolve(place.root, value) : value;
      const flag = text === undefined ? name : `${name}=${text}`;
      buildah.push(`--${flag}`);
      skopeo.push(flag);
    } else {
      buildah.push(word);
    }
  }
  return { buildah, skopeo };
}

/** `--creds=X` and `--creds X` are the same; words of other options stay as they are. */
function* flagsOf(words: readonly string[]): Generator<{ name?: string; value?: string; word: string }> {
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as string;
    const match = /^--([a-z-]+)(?:=(.*))?$/s.exec(word);
    const name = match?.[1];
    if (match === null || name === undefined) yield { word };
    else if (match[2] !== undefined) yield { name, value: match[2], word };
    else if (TAKE_VALUE.includes(name) && i + 1 < words.length) yield { name, value: words[++i] as string, word };
    else yield { name, word };
  }
}

/** The format of containers-auth.json(5). */
async function authFile(credentials: string, { repository, temporary }: Place): Promise<string> {
  const file = path.join(temporary, `auth-${randomBytes(6).toString('hex')}.json`);
  const auth = Buffer.from(credentials.includes(':') ? credentials : `${credentials}:`).toString('base64');
  const host = registryHost(repository);
  await writeFile(file, JSON.stringify({ auths: { [host]: { auth } } }), { mode: 0o600, flag: 'wx' });
  return file;
}

/** `quay.io/a/b` → `quay.io`; what names no host means Docker Hub, whose entry has the old address. */
function registryHost(repository: string): string {
  const first = repository.split('/')[0] ?? '';
  const isHost = repository.includes('/') && (/[.:]/.test(first) || first === 'localhost');
  return isHost && first !== 'docker.io' ? first : 'docker.io';
}
