import path from 'node:path';
import type { NamedFile } from './named-file.ts';
import type { TreeView } from './tree-view.ts';

/** What ansible.cfg and the environment say about where Ansible looks. Absolute paths. */
export interface AnsibleConfig {
  /** The one configuration file that applies, if any. */
  readonly file?: NamedFile;
  readonly rolesPath: readonly string[];
  /** Folders with modules, module utilities and plugins, beside those at the playbook. */
  readonly plugins: readonly string[];
  /** Folders with `ansible_collections`, in order. */
  readonly collectionsPath: readonly string[];
  readonly vaultPasswordFile?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const PLUGINS = /^(library|module_utils|\w+_plugins)$/;

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
  /** A variable's paths are relative to where Ansible runs, the configuration's to its file. */
  const setting = (variable: string | undefined, value: string | undefined, otherwise: string) =>
    variable ? paths(variable, root) : paths(value ?? otherwise, folder);
  const [home = ''] = setting(env.ANSIBLE_HOME, settings.get('home'), '~/.ansible');
  const fromConfig = [...settings].filter(([key]) => PLUGINS.test(key)).flatMap(([, value]) => paths(value, folder));
  const fromVariables = Object.entries(env).filter(([name]) =>
    PLUGINS.test(name.replace('ANSIBLE_', '').toLowerCase()),
  );
  const vault = paths(settings.get('vault_password_file'), folder)[0];
  return {
    ...(file && { file }),
    rolesPath: setting(
      env.ANSIBLE_ROLES_PATH,
      settings.get('roles_path'),
      `${home}/roles:/usr/share/ansible/roles:/etc/ansible/roles`,
    ),
    plugins: [
      ...fromConfig,
      ...fromVariables.flatMap(([, value]) => paths(value, root)),
      ...[path.join(home, 'plugins'), '/usr/share/ansible/plugins'],
    ],
    collectionsPath: setting(
      env.ANSIBLE_COLLECTIONS_PATH ?? env.ANSIBLE_COLLECTIONS_PATHS,
      settings.get('collections_path') ?? settings.get('collections_paths'),
      `${home}/collections:/usr/share/ansible/collections`,
    ),
    ...(vault !== undefined && { vaultPasswordFile: vault }),
  };
}

function configFile(view: TreeView, root: string, playbook: string, env: Environment): NamedFile | undefined {
  const chosen = env.ANSIBLE_CONFIG ? path.resolve(root, expand(env.ANSIBLE_CONFIG, root, env)) : undefined;
  const inChosen = chosen !== undefined && view.kind(chosen) === 'folder' ? path.join(chosen, 'ansible.cfg') : chosen;
  const candidates: NamedFile[] = [
    ...(inChosen === undefined ? [] : [{ name: 'ansible.cfg:$ANSIBLE_CONFIG', path: inChosen }]),
    { name: 'ansible.cfg', path: path.join(root, 'ansible.cfg') },
    // Named by the build, which names no other where the user has (`build/ansible-environment.ts`).
    ...(env.ANSIBLE_CONFIG === undefined
      ? [{ name: 'ansible.cfg:playbook', path: path.join(path.dirname(playbook), 'ansible.cfg') }]
      : []),
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
