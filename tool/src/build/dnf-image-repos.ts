import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import { regularFileInRoot, resolveInRoot } from '../system/in-root.ts';
import type { Workspace } from '../system/workspace.ts';
import type { BuildTarget } from './builder.ts';
import { type DnfRepoConfig, parseRepoFile, possibleVariables, type Variables } from './dnf-repo-config.ts';
import { osRelease } from './root-files.ts';

/** Where dnf looks when its configuration names no folder. */
const FOLDERS = ['/etc/yum.repos.d', '/etc/yum/repos.d', '/etc/distro.repos.d'] as const;
const CONF = '/etc/dnf/dnf.conf';
const REPOSDIR = /^reposdir[ \t]*=(.*(?:\n[ \t]+\S.*)*)/m;

/** The repositories that are configured in a folder of this machine. */
export async function reposIn(folder: string): Promise<DnfRepoConfig[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.repo')).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8').catch(() => '')));
  return texts.flatMap(parseRepoFile);
}

/** Text of the image's dnf.conf; empty where it has none. */
export async function confOfImage(mountPoint: string): Promise<string> {
  const file = await regularFileInRoot(mountPoint, CONF);
  return file === undefined ? '' : readFile(file, 'utf8');
}

/** The repositories that the image's own dnf has. `conf`: the text of its dnf.conf, which may name other folders and hold some. */
export async function reposOfImage(mountPoint: string, conf: string): Promise<DnfRepoConfig[]> {
  const texts = (await repoFiles(mountPoint, conf)).map((file) => readFile(file, 'utf8').catch(() => ''));
  return [conf, ...(await Promise.all(texts))].flatMap(parseRepoFile);
}

/** The image's .repo files that are no empty ones, as paths on this machine. */
export async function repoFiles(mountPoint: string, conf: string): Promise<string[]> {
  const found: string[] = [];
  for (const { inside, name } of await repoNames(mountPoint, conf)) {
    const file = await regularFileInRoot(mountPoint, `${inside}/${name}`);
    if (file !== undefined) found.push(file);
  }
  return found;
}

/** Takes the image's own repository files away: what has such a name, itself, so that no link is followed out of the root. */
export async function removeImageRepos(mountPoint: string, conf: string): Promise<void> {
  for (const { place, name } of await repoNames(mountPoint, conf)) await rm(path.join(place, name), { force: true });
}

/** `inside`: the folder as the image sees it; `place`: where that is on this machine. */
async function repoNames(
  mountPoint: string,
  conf: string,
): Promise<{ readonly inside: string; readonly place: string; readonly name: string }[]> {
  const found = [];
  for (const inside of namedFolders(conf) ?? FOLDERS) {
    const place = await resolveInRoot(mountPoint, inside);
    if (place === undefined) continue;
    const names = await readdir(place).catch((): string[] => []);
    found.push(...names.filter((name) => name.endsWith('.repo')).map((name) => ({ inside, place, name })));
  }
  return found.toSorted((a, b) => (a.place + a.name < b.place + b.name ? -1 : 1));
}

/**
 * Images of image-build have their repositories in the home of its builder, which their dnf.conf names: the image's own dnf would
 * not find ours in the usual folder.
 */
export async function addUsualFolder({ container, mountPoint }: BuildTarget, workspace: Workspace): Promise<void> {
  const conf = await confOfImage(mountPoint);
  const named = namedFolders(conf);
  if (named === undefined || named.includes(FOLDERS[0])) return;
  const folder = path.join(workspace.temporary, 'image-repos');
  await mkdir(folder, { recursive: true });
  const text = conf.replace(REPOSDIR, (line) => `${line.trimEnd()}, ${FOLDERS[0]}`);
  await writeFile(path.join(folder, 'dnf.conf'), text, { mode: 0o600 });
  await workspace.buildah.copy(container, [path.join(folder, 'dnf.conf')], CONF, ['--chmod', '0644']);
}

function namedFolders(conf: string): string[] | undefined {
  return REPOSDIR.exec(conf)?.[1]
    ?.split(/[\s,]+/)
    .filter((word) => word !== '');
}

/** What `$releasever` (`release`, where that is known), `$basearch` and the image's own variables may stand for. */
export async function variablesOf(
  { options, architecture }: Layer,
  mountPoint: string,
  release = options.releasever,
): Promise<Variables[]> {
  const { VERSION_ID } = await osRelease(mountPoint);
  return possibleVariables({
    ...(release === undefined ? {} : { releasever: release }),
    ...(VERSION_ID === undefined ? {} : { osVersion: VERSION_ID }),
    architecture: architecture ?? arch(),
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
