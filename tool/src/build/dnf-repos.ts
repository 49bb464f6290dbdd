import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import type { Repo } from '../config/schema.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';

/** A repository as dnf reads it. */
export interface DnfRepo {
  /** Name below /etc/yum.repos.d. */
  readonly file: string;
  /** The file's text; `keyFolder` is where the key lies for whoever reads it. */
  text(keyFolder: string): string;
  /** A key that was given as a file; one with a URL is loaded by dnf. */
  readonly key?: { readonly name: string; readonly source: string };
}

/** Where keys lie in the image, as Red Hat's packages put them. */
const KEYS = '/etc/pki/rpm-gpg';

/** What the layer lists. Warns about, or refuses, repositories without a key, as `gpgcheck` says. */
export function dnfRepos({ layer, resolve }: BuildTarget, workspace: Workspace): DnfRepo[] {
  checkKeys(layer, workspace);
  return layer.repos.map((repo) => {
    const id = repo.alias.replaceAll(/[^a-zA-Z0-9_.:-]+/g, '-');
    const isFile = repo.gpg !== undefined && !/^[a-z]+:\/\//.test(repo.gpg);
    const key = isFile ? { name: `RPM-GPG-KEY-${id}`, source: resolve(repo.gpg ?? '') } : undefined;
    return {
      file: `${id}.repo`,
      text: (keyFolder) => {
        if (repo.config !== undefined) return repo.config.endsWith('\n') ? repo.config : `${repo.config}\n`;
        return section(id, repo, layer, key === undefined ? repo.gpg : `file://${keyFolder}/${key.name}`);
      },
      ...(key === undefined ? {} : { key }),
    };
  });
}

function section(id: string, repo: Repo, { options }: Layer, key: string | undefined): string {
  if (repo.url === undefined) throw new BuildFailure(`repository ${repo.alias} has neither url nor config`);
  const fields = {
    name: repo.alias,
    baseurl: repo.url,
    enabled: '1',
    gpgcheck: key === undefined || options.gpgcheck === false ? '0' : '1',
    ...(key === undefined ? {} : { gpgkey: key }),
    ...(repo.priority === undefined ? {} : { priority: String(repo.priority) }),
  };
  const lines = Object.entries(fields).map(([name, value]) => {
    // A second line would be a setting of its own.
    if (/[\r\n]/.test(value)) throw new BuildFailure(`repository ${repo.alias}: a value has more than one line`);
    return `${name}=${value}\n`;
  });
  return `[${id}]\n${lines.join('')}`;
}

function checkKeys({ repos, options }: Layer, workspace: Workspace): void {
  if (options.gpgcheck === false) return;
  const keyless = repos.filter((repo) => repo.gpg === undefined && repo.config === undefined).map((repo) => repo.alias);
  if (keyless.length === 0) return;
  if (options.gpgcheck === 'strict') {
    throw new BuildFailure(`gpgcheck: strict, and there is no gpg key for ${keyless.join(', ')}`);
  }
  workspace.warn(`no gpg key for ${keyless.join(', ')}: packages from there are not checked`);
}

/** Puts repository files and keys into the image. */
export async function putRepos(
  repos: readonly DnfRepo[],
  { container }: BuildTarget,
  { buildah, temporary }: Workspace,
): Promise<void> {
  const folder = path.join(temporary, 'image-repos');
  await writeRepos(repos, folder, KEYS);
  for (const { file, key } of repos) {
    if (key !== undefined) await buildah.copy(container, [key.source], `${KEYS}/${key.name}`, ['--chmod', '0644']);
    await buildah.copy(container, [path.join(folder, file)], `/etc/yum.repos.d/${file}`, ['--chmod', '0644']);
  }
}

/** Writes repository files for dnf on the host into `folder`, with the keys beside them. */
export async function writeHostRepos(repos: readonly DnfRepo[], folder: string): Promise<void> {
  await writeRepos(repos, folder, folder);
  for (const { key } of repos) {
    if (key !== undefined) await writeFile(path.join(folder, key.name), await readFile(key.source));
  }
}

async function writeRepos(repos: readonly DnfRepo[], folder: string, keys: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { file, text } of repos) await writeFile(path.join(folder, file), text(keys), { mode: 0o600 });
}
