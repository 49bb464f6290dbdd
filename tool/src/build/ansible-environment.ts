import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ownPythonFolder } from '../inputs/own-python.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure } from './builder.ts';

/**
 * What ansible-playbook's environment needs beyond the user's own `ANSIBLE_*`. The configuration is `ANSIBLE_CONFIG`, else
 * `ansible.cfg` at the tree's root, else the one beside the playbook; named explicitly, as Ansible passes over one in a
 * folder that everybody may write.
 */
export function ansibleEnvironment(
  workspace: Workspace,
  playbook: string,
  {
    events,
    trace,
    env = process.env,
  }: { readonly events: string; readonly trace: string; readonly env?: Readonly<Record<string, string | undefined>> },
): Record<string, string | undefined> {
  const config = env.ANSIBLE_CONFIG || configOf(workspace.root, path.dirname(playbook));
  const own = ownFolder();
  const plugins = (kind: 'callback' | 'connection') => {
    const theirs = pluginFolders(kind, env[`ANSIBLE_${kind.toUpperCase()}_PLUGINS`], config);
    return [path.join(own, `${kind}_plugins`), ...theirs].join(':');
  };
  return {
    // Who started the run must not show in what it makes.
    USER: undefined,
    LOGNAME: undefined,
    ...(config === undefined ? {} : { ANSIBLE_CONFIG: config }),
    ANSIBLE_CALLBACK_PLUGINS: plugins('callback'),
    ANSIBLE_CONNECTION_PLUGINS: plugins('connection'),
    ANSIBLE_LOCAL_TEMP: path.join(workspace.temporary, 'ansible-tmp'),
    ANSIBLE_RETRY_FILES_ENABLED: '0',
    ANSIBLE_NOCOWS: '1',
    LAYERS_ANSIBLE_EVENTS: events,
    LAYERS_ANSIBLE_TRACE: trace,
    LAYERS_ANSIBLE_ROOT: workspace.root,
    PYTHONPATH: [path.join(own, 'trace'), ...(env.PYTHONPATH ? [env.PYTHONPATH] : [])].join(':'),
    // Nothing is written beside the user's plugins, or ours.
    PYTHONDONTWRITEBYTECODE: '1',
    // A connection may call buildah itself.
    BUILDAH_ISOLATION: workspace.buildah.isolation,
  };
}

function configOf(...folders: readonly string[]): string | undefined {
  return candidatesIn(folders).find((file) => existsSync(file));
}

/** Configuration files that were looked for here, before Ansible started, and are not there: they count as what Ansible itself misses. */
export function missedConfigs(
  root: string,
  playbook: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string[] {
  if (env.ANSIBLE_CONFIG) return [];
  const candidates = candidatesIn([root, path.dirname(playbook)]);
  const found = candidates.findIndex((file) => existsSync(file));
  return found < 0 ? candidates : candidates.slice(0, found);
}

function candidatesIn(folders: readonly string[]): string[] {
  return folders.map((folder) => path.join(folder, 'ansible.cfg'));
}

/** The variable replaces what the configuration says, so both are put together. */
function pluginFolders(kind: string, variable: string | undefined, config: string | undefined): string[] {
  if (variable !== undefined) return variable.split(':');
  const defaults = [`~/.ansible/plugins/${kind}`, `/usr/share/ansible/plugins/${kind}`];
  if (config === undefined) return defaults;
  const setting = new RegExp(`^\\s*${kind}_plugins\\s*[=:]\\s*(.+)$`, 'm');
  const [, value] = setting.exec(readFileSync(config, 'utf8')) ?? [];
  if (value === undefined) return defaults;
  const absolute = (folder: string) => (/^[/~$]/.test(folder) ? folder : path.resolve(path.dirname(config), folder));
  return value.trim().split(':').map(absolute);
}

/** `tool/ansible`: the plugins, the trace, and the agent of the connection. */
export function ownFolder(): string {
  const folder = ownPythonFolder();
  if (folder === undefined) throw new BuildFailure('tool/ansible is missing from the installation');
  return folder;
}
