import { readdir, readFile, rm } from 'node:fs/promises';
import type { Repo } from '../config/schema.ts';
import { regularFileInRoot, resolveInRoot } from '../system/in-root.ts';
import type { Workspace } from '../system/workspace.ts';
import type { BuildTarget } from './builder.ts';
import { isRepoFile } from './dnf-repo-config.ts';
import { dnfRepos, KEYS, putRepos } from './dnf-repos.ts';
import { readKey } from './repo-key.ts';
import { forImage, keyUrls } from './zypper-repo-text.ts';

const REPOSITORIES = '/etc/zypp/repos.d';
const SERVICES = '/etc/zypp/services.d';

/** A repository file as zypper reads it. */
export interface ZypperRepo {
  /** Name below /etc/zypp/repos.d. */
  readonly file: string;
  readonly text: string;
  /** What rpm has to know before anything from there is installed. */
  readonly keys: readonly { readonly name: string; readonly data: Buffer }[];
  /** The key that stays as a file in the image, if one was given. */
  readonly key?: { readonly name: string; readonly data: Buffer };
  readonly secrets: readonly string[];
}

/** What the layer lists, exclusive ones first. dnf's checks and downloads are the same; texts are zypper's. Throws BuildFailure. */
export async function zypperRepos(target: BuildTarget, workspace: Workspace): Promise<ZypperRepo[]> {
  const { layer } = target;
  const entries: readonly Repo[] = [...layer.exclusive_repos, ...layer.repos];
  const repos: ZypperRepo[] = [];
  for (const [index, { file, text, key, secrets }] of (await dnfRepos(target, workspace)).entries()) {
    const entry = entries[index] as Repo;
    const isWhole = entry.config !== undefined || isRepoFile(entry.url ?? '');
    const keys = key === undefined ? [] : [key];
    if (layer.options.gpgcheck !== false) {
      for (const gpg of keyUrls(text)) {
        if (key !== undefined && gpg.startsWith(`file://${KEYS}/`)) continue;
        const data = await readKey({ alias: entry.alias, gpg }, target, workspace);
        if (data !== undefined) keys.push({ name: `${file}-${keys.length}.key`, data });
      }
    }
    repos.push({ file, text: forImage(text, isWhole), keys, secrets, ...(key === undefined ? {} : { key }) });
  }
  return repos;
}

/** Puts repository files and keys into the image, as dnf's are. */
export function putZypperRepos(repos: readonly ZypperRepo[], target: BuildTarget, workspace: Workspace): Promise<void> {
  return putRepos(repos, target, workspace, REPOSITORIES);
}

/** Texts of the image's own repository files by their names. */
export async function imageRepos(mountPoint: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const { name, file } of await filesIn(mountPoint, REPOSITORIES, '.repo')) {
    texts.set(name, await readFile(file, 'utf8'));
  }
  return texts;
}

/** Takes the image's own repositories away, and the services that would bring them back; no link is followed out of its root. */
export async function removeImageRepos(mountPoint: string): Promise<void> {
  const found = [
    ...(await filesIn(mountPoint, REPOSITORIES, '.repo')),
    ...(await filesIn(mountPoint, SERVICES, '.service')),
  ];
  for (const { file } of found) await rm(file);
}

async function filesIn(
  mountPoint: string,
  folder: string,
  end: string,
): Promise<{ readonly name: string; readonly file: string }[]> {
  const place = await resolveInRoot(mountPoint, folder);
  const names = place === undefined ? [] : await readdir(place).catch((): string[] => []);
  const found: { name: string; file: string }[] = [];
  for (const name of names.filter((one) => one.endsWith(end)).toSorted()) {
    const file = await regularFileInRoot(mountPoint, `${folder}/${name}`);
    if (file !== undefined) found.push({ name, file });
  }
  return found;
}
