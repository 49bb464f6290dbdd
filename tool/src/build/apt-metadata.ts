import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Workspace } from '../system/workspace.ts';
import type { UsedRepositories } from './repositories.ts';

/** Asks apt which repositories its package lists come from: a line an index, each the folder of a Release file, perhaps with credentials. */
export const LIST_SOURCES = `apt-get indextargets --format '$(BASE_URI)' 'Created-By: Packages'`;
/** The answer's name in the folder of the metadata; a package cache does not keep it. */
export const SOURCES = 'layers-sources.conf';

/**
 * Reads what a run of apt left in its folder of lists, with the answer to LIST_SOURCES beside it, before either is removed. A
 * repository without a Release file (`trusted=yes`) has no metadata to record.
 */
export async function addAptMetadata(folder: string, used: UsedRepositories, workspace: Workspace): Promise<void> {
  const text = await readFile(path.join(folder, SOURCES), 'utf8').catch(() => '');
  const bases = new Set(text.split('\n').filter((line) => line !== ''));
  await mkdir(folder, { recursive: true });
  const files = new Set(await readdir(folder));
  for (const base of bases) {
    const name = ['InRelease', 'Release'].find((one) => files.has(listName(base + one)));
    if (name === undefined) continue;
    used.add(base + name, await readFile(path.join(folder, listName(base + name))));
  }
  if (bases.size === 0) workspace.warn('apt did not say which repositories it used: they are not recorded');
}

/** The name under which apt keeps what it loaded from a URL (its URItoFileName): no scheme, no credentials, no slashes. */
export function listName(url: string): string {
  const bare = url.replace(/^[a-z][a-z0-9+.-]*:(\/\/([^/]*@)?)?/i, '');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: apt escapes these too.
  return bare.replaceAll(/[\x00-\x20\\|{}[\]<>"^~_=!@#$%&*\x7f]/g, escaped).replaceAll('/', '_');
}

function escaped(character: string): string {
  return `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
