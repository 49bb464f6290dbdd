import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Repo } from '../config/schema.ts';
import { maskSecrets } from '../config/secrets.ts';
import { CommandFailure } from '../system/command.ts';
import { download } from '../system/download.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { isRepoFile } from './dnf-repo-config.ts';
import { type RepoText, repoText } from './dnf-repo-text.ts';
import { proxyVariables } from './proxy.ts';
import { readKey } from './repo-key.ts';

/** A repository as dnf reads it: a file below /etc/yum.repos.d, perhaps of several. */
export interface DnfRepo extends RepoText {
  /** The file's name. */
  readonly file: string;
  readonly key?: { readonly name: string; readonly data: Buffer };
}

/** Where repositories and keys lie in the image, as Red Hat's packages put them. */
const REPOSITORIES = '/etc/yum.repos.d';
export const KEYS = '/etc/pki/rpm-gpg';

/** What the layer lists, exclusive ones first. Warns about, or refuses, repositories without a key, as `gpgcheck` says. Throws BuildFailure. */
export async function dnfRepos(target: BuildTarget, workspace: Workspace): Promise<DnfRepo[]> {
  const { exclusive_repos: exclusive, repos: more, options } = target.layer;
  const repos: DnfRepo[] = [];
  const unchecked: string[] = [];
  for (const repo of [...exclusive, ...more]) {
    const id = repo.alias.replaceAll(/[^a-zA-Z0-9_.:-]+/g, '-');
    const file = `${id}.repo`;
    if (repos.some((one) => one.file === file)) throw new BuildFailure(`two repositories would be written as ${file}`);
    const data = await readKey(repo, target, workspace);
    const key = data === undefined ? {} : { key: { name: `RPM-GPG-KEY-${id}`, data } };
    const { priority } = repo;
    const facts = {
      alias: repo.alias,
      ...(data === undefined ? {} : { key: `file://${KEYS}/RPM-GPG-KEY-${id}` }),
      ...(priority === undefined ? {} : { priority }),
      gpgcheck: options.gpgcheck,
    };
    const text = repoText(await textOf(id, repo, target, workspace), facts);
    repos.push({ file, ...text, ...key });
    if (text.unchecked.length > 0) unchecked.push(repo.alias);
  }
  reportUnchecked(unchecked, target, workspace);
  return repos;
}

/** The layer's own text, that of a .repo file that is loaded, or a section for a URL. */
async function textOf(id: string, repo: Repo, target: BuildTarget, workspace: Workspace): Promise<string> {
  const { url, config, alias } = repo;
  if (config !== undefined) return config;
  if (url === undefined) throw new BuildFailure(`repository ${alias} has neither url nor config`);
  // A second line would be a setting of its own.
  if (/[\r\n]/.test(alias + url)) throw new BuildFailure(`repository ${alias}: a value has more than one line`);
  if (isRepoFile(url)) return loadRepoFile(repo, url, target, workspace);
  const unchecked = target.layer.options.gpgcheck === false ? 'gpgcheck=0\n' : '';
  return `[${id}]\nname=${alias}\nbaseurl=${url}\nenabled=1\n${unchecked}`;
}

async function loadRepoFile(repo: Repo, url: string, { layer }: BuildTarget, workspace: Workspace): Promise<string> {
  try {
    const bytes = url.startsWith('file:')
      ? await readFile(fileURLToPath(url))
      : await download(url, { env: proxyVariables(layer), signal: workspace.signal });
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    workspace.signal.throwIfAborted();
    const why = maskSecrets(cause instanceof Error ? cause.message : String(cause));
    throw new BuildFailure(`the file of repository ${repo.alias} cannot be loaded: ${why}`, { cause });
  }
}

function reportUnchecked(aliases: readonly string[], { layer }: BuildTarget, workspace: Workspace): void {
  if (aliases.length === 0) return;
  if (layer.options.gpgcheck === 'strict') {
    throw new BuildFailure(`gpgcheck: strict, and there is no gpg key for ${aliases.join(', ')}`, {
      hint: 'add `gpg` to its entry of `repos`',
    });
  }
  workspace.warn(`no gpg key for ${aliases.join(', ')}: packages from there are not checked`);
}

/** Puts repository files and keys into the image. What logs in stays there, as children install from it: only root can read it. `repositories`: the folder of the package manager. */
export async function putRepos(
  repos: readonly Pick<DnfRepo, 'file' | 'text' | 'key' | 'secrets'>[],
  { container }: BuildTarget,
  workspace: Workspace,
  repositories = REPOSITORIES,
): Promise<void> {
  const folder = path.join(workspace.temporary, 'image-repos');
  await mkdir(folder, { recursive: true });
  const put = async (name: string, data: string | Buffer, place: string, mode: string) => {
    await writeFile(path.join(folder, name), data, { mode: 0o600 });
    await workspace.buildah.copy(container, [path.join(folder, name)], `${place}/${name}`, ['--chmod', mode]);
  };
  for (const { file, text, key, secrets } of repos) {
    if (key !== undefined) await put(key.name, key.data, KEYS, '0644');
    await put(file, text, repositories, secrets.length > 0 ? '0600' : '0644');
    if (secrets.length > 0)
      workspace.warn(`${repositories}/${file}: the login of a repository stays in the image, readable for root only`);
  }
}

/** A key that rpm does not take, as its policy forbids its algorithms. */
export function keyFailure(file: string, cause: unknown): unknown {
  if (!(cause instanceof CommandFailure) || cause.reason !== 'exit') return cause;
  return new BuildFailure(`rpm does not take the gpg key for ${file}: ${cause.result.tail.at(-1) ?? cause.message}`, {
    cause,
  });
}
