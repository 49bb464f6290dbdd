import { mkdir, open, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { maskSecrets } from '../config/secrets.ts';
import { download } from '../system/download.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { proxyVariables } from './proxy.ts';

/** Distributions' files are 1 to 10 MB compressed, and up to 100 MB where they are not. */
const LIMIT = 256 * 1024 * 1024;

/** By the first bytes, as the name in a URL may say nothing. The programs take the file away and leave it without the suffix. */
const PACKED: readonly { readonly magic: Buffer; readonly program: string; readonly suffix: string }[] = [
  { magic: Buffer.from('BZh'), program: 'bzip2', suffix: '.bz2' },
  { magic: Buffer.from('fd377a585a00', 'hex'), program: 'xz', suffix: '.xz' },
  { magic: Buffer.from('1f8b', 'hex'), program: 'gzip', suffix: '.gz' },
];

/**
 * Loads OVAL definitions, unpacks them, and gives the absolute path of the file on this machine. https is verified against the
 * system's authorities, and no option turns that off: a list of vulnerabilities that anybody may shorten is none. Throws BuildFailure.
 */
export async function loadOval(url: string, { layer }: BuildTarget, workspace: Workspace): Promise<string> {
  const folder = path.join(workspace.temporary, 'openscap');
  const file = path.join(folder, 'oval.xml');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(file, await load(url, layer, workspace));
  const begin = await firstBytes(file);
  const packed = PACKED.find(({ magic }) => begin.subarray(0, magic.length).equals(magic));
  if (packed !== undefined) {
    await rename(file, file + packed.suffix);
    await workspace.exec(packed.program, ['-d', '-f', '--', file + packed.suffix], { quiet: true });
  }
  // An error page of a proxy, for example; with a byte order mark perhaps.
  const text = (await firstBytes(file)).toString('latin1').replace(/^\u00ef\u00bb\u00bf/, '');
  if (!text.trimStart().startsWith('<')) throw new BuildFailure(`oval_url: ${shown(url)} gave no XML`);
  return file;
}

async function load(url: string, layer: BuildTarget['layer'], workspace: Workspace): Promise<Buffer> {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
    throw new BuildFailure(`oval_url: ${shown(url)} is no http or https URL`, {
      hint: 'a file of the tree comes in by `copyfiles`, to the path that `oval_xml` names, without `oval_url`',
    });
  }
  try {
    return await download(url, { env: proxyVariables(layer), signal: workspace.signal, limit: LIMIT });
  } catch (cause) {
    workspace.signal.throwIfAborted();
    const why = maskSecrets(cause instanceof Error ? cause.message : String(cause));
    throw new BuildFailure(`oval_url: ${shown(url)} cannot be loaded: ${why}`, { cause });
  }
}

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Credentials may be in its query, too. */
function shown(url: string): string {
  return maskSecrets(url.replace(/[?#].*$/s, ''));
}
