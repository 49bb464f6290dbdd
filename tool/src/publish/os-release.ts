import { readFile } from 'node:fs/promises';
import { regularFileInRoot } from '../system/in-root.ts';
import { PublishFailure } from './publisher.ts';

export interface OsRelease {
  /** Lower case. */
  readonly id: string;
  /** Lower case; empty for rolling releases, which have none (Debian sid, Arch). */
  readonly version: string;
}

/** ID and VERSION_ID of the image. Throws PublishFailure where the image does not say what it is. */
export async function readOsRelease(root: string): Promise<OsRelease> {
  const file =
    (await regularFileInRoot(root, '/etc/os-release')) ?? (await regularFileInRoot(root, '/usr/lib/os-release'));
  if (file === undefined) {
    throw new PublishFailure('the image has no /etc/os-release, which names its objects', {
      hint: 'Install the package that brings it (base-files, rocky-release, …), or write it with copyfiles.',
    });
  }
  const values = parseOsRelease(await readFile(file, 'utf8'));
  const id = (values.get('ID') ?? 'linux').toLowerCase();
  const version = (values.get('VERSION_ID') ?? '').toLowerCase();
  // Both become part of a key and of a file name.
  const odd = [id, version].find((value) => !/^[a-z0-9._+~-]*$/.test(value) || /^\.+$/.test(value));
  if (odd !== undefined) {
    throw new PublishFailure(`the image's /etc/os-release has ${JSON.stringify(odd)}, which cannot be part of a key`);
  }
  return { id, version };
}

/** The assignments of an os-release file, by the quoting rules of os-release(5). The last one of a name wins, as in a shell. */
export function parseOsRelease(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*?)\s*$/.exec(line);
    if (match) values.set(match[1] as string, unquote(match[2] as string));
  }
  return values;
}

function unquote(value: string): string {
  const quote = value[0];
  if ((quote !== '"' && quote !== "'") || value.length < 2 || !value.endsWith(quote)) return value;
  const inner = value.slice(1, -1);
  return quote === '"' ? inner.replace(/\\([\\"$`])/g, '$1') : inner;
}
