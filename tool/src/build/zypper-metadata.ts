import { readdir, readFile } from 'node:fs/promises';
import { arch } from 'node:os';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import { regularFileInRoot, resolveInRoot } from '../system/in-root.ts';
import { reposIn } from './dnf-image-repos.ts';
import { repomdUrl } from './dnf-metadata.ts';
import { expanded, possibleVariables, type Variables } from './dnf-repo-config.ts';
import type { UsedRepositories } from './repositories.ts';
import { osRelease } from './root-files.ts';
import type { ZypperPlace } from './zypper-place.ts';

/** Reads the repomd.xml of every enabled repository as this build had it. */
export async function addZypperMetadata(
  { repositories, cache }: ZypperPlace,
  layer: Layer,
  mountPoint: string,
  used: UsedRepositories,
): Promise<void> {
  const variables = await zypperVariables(layer, mountPoint);
  for (const { id, isEnabled, place } of await reposIn(repositories)) {
    if (!isEnabled) continue;
    const file = path.join(cache, 'raw', id.replaceAll('/', '_'), 'repodata/repomd.xml');
    const bytes = await readFile(file).catch(() => undefined);
    const url = expanded(place.url, variables);
    if (bytes !== undefined) used.add(place.kind === 'baseurl' ? repomdUrl(url) : url, bytes);
  }
}

/** What `$releasever` (the whole version, unlike dnf's), `$basearch` and the image's own variables stand for. */
async function zypperVariables({ options, architecture }: Layer, mountPoint: string): Promise<Variables> {
  const releasever = options.releasever ?? (await osRelease(mountPoint)).VERSION_ID;
  const [variables = {}] = possibleVariables({
    ...(releasever === undefined ? {} : { releasever }),
    architecture: architecture ?? arch(),
    custom: await customVariables(mountPoint),
  });
  return variables;
}

async function customVariables(mountPoint: string): Promise<Variables> {
  const folder = '/etc/zypp/vars.d';
  const place = await resolveInRoot(mountPoint, folder);
  const found: Record<string, string> = {};
  for (const name of place === undefined ? [] : await readdir(place).catch((): string[] => [])) {
    const file = await regularFileInRoot(mountPoint, `${folder}/${name}`);
    if (file !== undefined) found[name] = (await readFile(file, 'utf8')).split('\n')[0]?.trim() ?? '';
  }
  return found;
}
