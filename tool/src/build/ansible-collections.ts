import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { requirementFiles } from '../inputs/ansible-requirements.ts';
import { chosenEnvironment } from '../inputs/environment-inputs.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { proxyVariables } from './proxy.ts';

const DEFAULT_PATH = '~/.ansible/collections:/usr/share/ansible/collections';

/**
 * Installs the collections that the layer's requirements file names into `folder`, which nothing but this build sees. `config`: the
 * ansible.cfg that holds for its playbooks, with the servers of collections. Throws CommandFailure and BuildFailure.
 */
export async function installCollections(
  folder: string,
  config: string | undefined,
  { layer, resolve }: BuildTarget,
  workspace: Workspace,
): Promise<void> {
  const [inTree] = requirementFiles(layer, workspace.root).folders;
  if (inTree !== undefined) {
    throw new BuildFailure(`ansible_requirements: ${path.relative(workspace.root, inTree)} is a folder`, {
      hint: 'a collection of the tree needs no installation: put it into ansible_collections/NAMESPACE/NAME below a folder that `collections_path` of ansible.cfg names',
    });
  }
  const temporary = path.join(workspace.temporary, 'ansible-tmp');
  await mkdir(folder, { recursive: true });
  const requirements = resolve(layer.options.ansible_requirements);
  const args = ['collection', 'install', '--requirements-file', requirements, '--collections-path', folder];
  await workspace.exec('ansible-galaxy', args, {
    cwd: workspace.root,
    env: {
      ...proxyVariables(layer),
      ...chosenEnvironment(layer, process.env),
      ...(config === undefined ? {} : { ANSIBLE_CONFIG: config }),
      ANSIBLE_LOCAL_TEMP: temporary,
      ANSIBLE_GALAXY_CACHE_DIR: temporary,
    },
    collect: false,
  });
}

/** Ours first, then where Ansible would look anyway: the variable replaces what the configuration says. */
export async function collectionsPath(
  folder: string,
  config: string | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string> {
  const own = env.ANSIBLE_COLLECTIONS_PATH ?? env.ANSIBLE_COLLECTIONS_PATHS ?? (await configured(config));
  return [folder, own ?? DEFAULT_PATH].join(':');
}

async function configured(config: string | undefined): Promise<string | undefined> {
  if (config === undefined) return undefined;
  const [, value] = /^\s*collections_paths?\s*[=:]\s*(.+)$/m.exec(await readFile(config, 'utf8')) ?? [];
  const absolute = (one: string) => (/^[/~$]/.test(one) ? one : path.resolve(path.dirname(config), one));
  return value?.trim().split(':').map(absolute).join(':');
}
