import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Repo } from '../config/schema.ts';
import { maskSecrets } from '../config/secrets.ts';
import { download } from '../system/download.ts';
import { resolveInRoot } from '../system/in-root.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { proxyVariables } from './proxy.ts';

const ARMOR = '-----BEGIN PGP PUBLIC KEY BLOCK-----';

/**
 * The key of a repository: its text in the layer file, a URL (its certificate is verified, and credentials in it are used and
 * stay nowhere), or a path. `file:///…` means the image's own file where it has one. Undefined without `gpg`. Throws BuildFailure.
 */
export async function readKey(repo: Repo, target: BuildTarget, workspace: Workspace): Promise<Buffer | undefined> {
  if (repo.gpg === undefined) return undefined;
  const key = await bytesOf(repo.gpg, target, workspace).catch((cause: unknown) => {
    workspace.signal.throwIfAborted();
    const why = maskSecrets(cause instanceof Error ? cause.message : String(cause));
    throw new BuildFailure(`the gpg key of repository ${repo.alias} cannot be read: ${why}`, { cause });
  });
  // A page that says "not found" with 200 would otherwise become the key.
  if (isArmored(key) || isKeyPacket(key)) return key;
  throw new BuildFailure(`the gpg key of repository ${repo.alias} is no OpenPGP key`, {
    hint: '`gpg` takes the URL or the path of a public key, or its text',
  });
}

export function isArmored(key: Buffer): boolean {
  return key.includes(ARMOR);
}

async function bytesOf(
  gpg: string,
  { layer, mountPoint, resolve }: BuildTarget,
  workspace: Workspace,
): Promise<Buffer> {
  if (gpg.includes(ARMOR)) return Buffer.from(gpg.endsWith('\n') ? gpg : `${gpg}\n`);
  if (/^https?:/i.test(gpg)) return download(gpg, { env: proxyVariables(layer), signal: workspace.signal });
  if (!gpg.startsWith('file:')) return readFile(resolve(gpg));
  const place = fileURLToPath(gpg);
  return readFile((await resolveInRoot(mountPoint, place)) ?? place);
}

/** A packet of type 6, public key, in the old or in the new format (RFC 9580, 4.2). */
function isKeyPacket(key: Buffer): boolean {
  const first = key[0] ?? 0;
  return first >= 0xc0 ? (first & 0x3f) === 6 : first >= 0x80 && (first & 0x3c) >> 2 === 6;
}
