import path from 'node:path';
import type { NamedFile } from './named-file.ts';
import type { TreeView } from './tree-view.ts';

/** What ansible.cfg and the environment say about where Ansible looks. Absolute paths. */
export interface AnsibleConfig {
  /** The one configuration file that applies, if any. */
  readonly file?: NamedFile;
  readonly rolesPath: readonly string[];
  /** Folders with modules, module utilities, plugins and collections, beside those that it always looks in. */
  readonly plugins: readonly string[];
  readonly vaultPasswordFile?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_ROLES = '~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles';

/** Reads the first that is there of $ANSIBLE_CONFIG, the root's ansible.cfg, the playbook's, the user's and the machine's. */
export function readAnsibleConfig(view: TreeView, root: string, playbook: string, env: Environment): AnsibleConfig {
  const file = configFile(view, root, playbook, env);
  const settings = parseDefaults(file === undefined ? '' : (view.text(file.path as string) ?? ''));
  const folder = file === undefined ? root : path.dirname(file.path as string);
  const paths = (text: string | undefined, base: string) =>
    (text ?? '')
      .split(':')
      .filter(Boolean)
      .map((one) => path.resolve(base, expand(one, root, env)));
  const roles = env.ANSIBLE_ROLES_PATH
    ? paths(env.ANSIBLE_ROLES_PATH, root)
    : paths(settings.get('roles_path') ?? DEFAULT_ROLES, folder);
  const plugins = [...settings].filter(([key]) => /^(library|module_utils|\w+_plugins|collections_paths?)$/.test(key));
  const vault = paths(settings.get('vault_password_file'), folder)[0];
  return {
    ...(file && { file }),
    rolesPath: roles,
    plugins: plugins.flatMap(([, value]) => paths(value, folder)),
    ...(vault !== undefined && { vaultPasswordFile: vault }),
  };
}

function configFile(view: TreeView, root: string, playbook: string, env: Environment): NamedFile | undefined {
  const chosen = env.ANSIBLE_CONFIG ? path.resolve(root, expand(env.ANSIBLE_CONFIG, root, env)) : undefined;
  const inChosen = chosen !== undefined && view.kind(chosen) === 'folder' ? path.join(chosen, 'ansible.cfg') : chosen;
  const candidates: NamedFile[] = [
    ...(inChosen === undefined ? [] : [{ name: 'ansible.cfg:$ANSIBLE_CONFIG', path: inChosen }]),
    { name: 'ansible.cfg', path: path.join(root, 'ansible.cfg') },
    { name: 'ansible.cfg:playbook', path: path.join(path.dirname(playbook), 'ansible.cfg') },
    { name: 'ansible.cfg:~/.ansible.cfg', path: expand('~/.ansible.cfg', root, env) },
    { name: 'ansible.cfg:/etc/ansible/ansible.cfg', path: '/etc/ansible/ansible.cfg' },
  ];
  const found = candidates.find((one) => view.kind(one.path as string) === 'file');
  const isInTree = found !== undefined && (found.path as string).startsWith(`${root}/`);
  return isInTree ? { name: path.relative(root, found.path as string), path: found.path } : found;
}

/** `key = value` lines of `[defaults]`, as Python's configparser reads them; a value may go on in indented lines. */
function parseDefaults(text: string): Map<string, string> {
  const settings = new Map<string, string>();
  let section = '';
  let key = '';
  for (const line of text.split(/\r?\n/)) {
    const [, name] = /^\[([^\]]+)\]/.exec(line) ?? [];
    const [, option, value] = /^([^\s#;=:][^=:]*?)\s*[=:]\s*(.*)$/.exec(line) ?? [];
    if (name !== undefined) section = name;
    else if (section !== 'defaults' || /^\s*[#;]/.test(line)) continue;
    else if (/^\s+\S/.test(line) && key !== '') settings.set(key, `${settings.get(key) ?? ''}${line.trim()}`);
    else if (option !== undefined) {
      key = option.toLowerCase();
      settings.set(key, (value ?? '').replace(/\s+;.*$/, '').trim());
    }
  }
  return settings;
}

function expand(text: string, root: string, env: Environment): string {
  return text
    .trim()
    .replace(/^~(?=\/|$)/, env.HOME ?? '/root')
    .replace(/\{\{\s*CWD\s*\}\}/g, root)
    .replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced: string, plain: string) => env[braced ?? plain] ?? '');
}
