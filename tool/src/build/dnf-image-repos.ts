import { readdir, readFile } from 'node:fs/promises';
import { arch } from 'node:os';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import { resolveInRoot } from '../system/in-root.ts';
import { type DnfRepoConfig, parseRepoFile, possibleVariables, type Variables } from './dnf-repo-config.ts';
import { osRelease } from './root-files.ts';

/** Where dnf looks when its configuration names no folder. */
const FOLDERS = ['/etc/yum.repos.d', '/etc/yum/repos.d', '/etc/distro.repos.d'];

/** The repositories that are configured in a folder of this machine. */
export async function reposIn(folder: string): Promise<DnfRepoConfig[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.repo')).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8').catch(() => '')));
  return texts.flatMap(parseRepoFile);
}

/** The repositories that the image's own dnf has. `conf`: the text of its dnf.conf, which may name other folders and hold some. */
export async function reposOfImage(mountPoint: string, conf: string): Promise<DnfRepoConfig[]> {
  const named = /^reposdir\s*=\s*(.+)$/m.exec(conf)?.[1]?.split(/[\s,]+/);
  const found = parseRepoFile(conf);
  for (const folder of named ?? FOLDERS) {
    const place = await resolveInRoot(mountPoint, folder);
    if (place !== undefined) found.push(...(await reposIn(place)));
  }
  return found;
}

/** What `$releasever`, `$basearch` and the image's own variables may stand for. */
export async function variablesOf({ options }: Layer, mountPoint: string): Promise<Variables[]> {
  const { VERSION_ID } = await osRelease(mountPoint);
  return possibleVariables({
    ...(options.releasever === undefined ? {} : { releasever: options.releasever }),
    ...(VERSION_ID === undefined ? {} : { osVersion: VERSION_ID }),
    architecture: arch(),
    custom: await customVariables(mountPoint),
  });
}

async function customVariables(mountPoint: string): Promise<Variables> {
  const found: Record<string, string> = {};
  for (const folder of ['/etc/yum/vars', '/etc/dnf/vars']) {
    const place = await resolveInRoot(mountPoint, folder);
    if (place === undefined) continue;
    for (const name of await readdir(place).catch(() => [])) {
      const file = await resolveInRoot(mountPoint, `${folder}/${name}`);
      const text = file === undefined ? undefined : await readFile(file, 'utf8').catch(() => undefined);
      if (text !== undefined) found[name] = text.split('\n')[0]?.trim() ?? '';
    }
  }
  return found;
}
