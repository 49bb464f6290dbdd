import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { type DnfRepoConfig, expanded, type Variables } from './dnf-repo-config.ts';
import type { UsedRepositories } from './repositories.ts';

/**
 * Reads the repomd.xml of every enabled repository from the cache that a run of dnf had. The cache may hold repositories of other
 * layers too; its folders are called `<id>-<hash of the place>`, which also says which of the possible releases was meant.
 * @param possible what `$releasever` and the other variables may have stood for, the likeliest first
 */
export async function addDnfMetadata(
  cache: string,
  repos: readonly DnfRepoConfig[],
  possible: readonly Variables[],
  used: UsedRepositories,
): Promise<void> {
  const folders = await readdir(cache).catch((): string[] => []);
  for (const repo of repos) {
    if (!repo.isEnabled) continue;
    const places = possible.map((variables) => expanded(repo.place.url, variables));
    const named = places.find((place) => folders.includes(cacheFolder(repo.id, place)));
    const folder =
      named === undefined ? await newestOf(cache, repo.id, folders) : path.join(cache, cacheFolder(repo.id, named));
    const url = named ?? places[0];
    if (folder === undefined || url === undefined) continue;
    const bytes = await readFile(path.join(folder, 'repodata/repomd.xml')).catch(() => undefined);
    if (bytes !== undefined) used.add(repo.place.kind === 'baseurl' ? repomdUrl(url) : url, bytes);
  }
}

export function repomdUrl(base: string): string {
  const [place = '', query] = base.split('?', 2);
  return `${place.replace(/\/+$/, '')}/repodata/repomd.xml${query === undefined ? '' : `?${query}`}`;
}

/** As libdnf names it: the hash is of the metalink, else of the list of mirrors, else of the first base URL. */
function cacheFolder(id: string, place: string): string {
  return `${id}-${createHash('sha256').update(place).digest('hex').slice(0, 16)}`;
}

/** Of the folders that may be the repository's, the one that was written last. */
async function newestOf(cache: string, id: string, folders: readonly string[]): Promise<string | undefined> {
  let newest: { readonly folder: string; readonly at: number } | undefined;
  for (const name of folders) {
    if (!name.startsWith(`${id}-`) || !/^[0-9a-f]{16}$/.test(name.slice(id.length + 1))) continue;
    const folder = path.join(cache, name);
    const at = (await stat(path.join(folder, 'repodata/repomd.xml')).catch(() => undefined))?.mtimeMs;
    if (at !== undefined && (newest === undefined || at > newest.at)) newest = { folder, at };
  }
  return newest?.folder;
}
