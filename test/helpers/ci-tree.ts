import { execFile } from 'node:child_process';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { git } from '../inputs/input-tree.ts';
import type { CiRegistry } from '../services/ci-registry.ts';
import { type ContainerStorage, createContainerStorage } from './container-storage.ts';
import { addSmallImage, createTree } from './tree.ts';

const BIN = path.resolve(import.meta.dirname, '../../node_modules/.bin');

export interface JobEnded {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A repository with an origin, from which each job is started on a machine of its own. */
export interface CiTree extends AsyncDisposable {
  /** A work tree of a developer, whose origin the jobs clone. */
  readonly root: string;
  write(file: string, text: string): Promise<string>;
  git(...args: string[]): string;
  /** A new clone with a branch, without any state, on a new container storage; of another user than root where one is named. */
  runner(branch: string, user?: User): Promise<Runner>;
}

/** A plain user of this machine. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

interface Runner {
  readonly root: string;
  readonly storage: ContainerStorage;
  /** Runs lines as a runner's shell does: it ends with the first that fails. */
  script(lines: readonly string[], env: Readonly<Record<string, string>>): Promise<JobEnded>;
}

/** base ← site (Ansible) and base ← tools, on an image that is in the registry; published there. */
export async function createCiTree(registry: CiRegistry): Promise<CiTree> {
  const place = `${registry.host}/images`;
  const published = `publish_registry: ${place}`;
  const tree = await createTree({
    'layers.yaml': `defaults: {registry_opts_push: '--tls-verify=false', registry_opts_pull: '--tls-verify=false'}\n`,
    '.gitignore': '/.layers/\n/node_modules\n',
    'layers/base.yaml': `
options: {layer_type: base, name: base, pkg_manager: apt, parent: '${registry.host}/external/small:1', ${published}}
cmds: [echo base > /etc/base]
`,
    'layers/tools.yaml': `
options: {layer_type: base, name: tools, pkg_manager: apt, parent: '${place}/base:latest', ${published}}
copyfiles: [{src: files/tools, dest: /etc/tools}]
`,
    'layers/site.yaml': `
options:
  {layer_type: ansible, name: site, parent: '${place}/base:latest', ${published}, groups: [compute],
   playbooks: [playbooks/site.yaml], inventory: [inventory]}
`,
    'files/tools': 'one\n',
    'README.md': 'text\n',
    'inventory/hosts': '[compute]\n',
    'inventory/group_vars/compute.yaml': 'word: from-group\n',
    'playbooks/site.yaml': '- {hosts: compute, gather_facts: false, roles: [marker]}\n',
    'playbooks/roles/marker/tasks/main.yaml': `
- ansible.builtin.raw: "echo '{{ word }} {{ lookup('template', 'mark.j2') }}' > /etc/marker"
  args: {executable: /bin/sh}
`,
    'playbooks/roles/marker/templates/mark.j2': 'marked',
  });
  const { root, storage, write } = tree;
  await addSmallImage(tree);
  const copy = ['copy', '--dest-tls-verify=false', '--dest-authfile', registry.auth.writer];
  await storage.exec('skopeo', [...copy, 'oci:small:1', `docker://${registry.host}/external/small:1`], {
    cwd: root,
    quiet: true,
  });
  const origin = path.join(storage.folder, 'origin.git');
  git(storage.folder, 'init', '-q', '--bare', '-b', 'main', origin);
  git(root, 'init', '-q', '-b', 'main');
  git(root, 'remote', 'add', 'origin', origin);
  await writeFile(path.join(root, '.git/info/exclude'), '/small\n');
  git(root, 'add', '.');
  git(root, 'commit', '-qm', 'all');
  git(root, 'push', '-q', 'origin', 'main');
  const runners: ContainerStorage[] = [];
  return {
    root,
    write,
    git: (...args) => git(root, ...args),
    async runner(branch, user) {
      const one = await createContainerStorage();
      runners.push(one);
      return startRunner(one, origin, branch, user);
    },
    async [Symbol.asyncDispose]() {
      for (const one of runners) await one[Symbol.asyncDispose]();
      await tree[Symbol.asyncDispose]();
    },
  };
}

async function startRunner(storage: ContainerStorage, origin: string, branch: string, user?: User): Promise<Runner> {
  const root = path.join(storage.folder, 'checkout');
  git(storage.folder, 'clone', '-q', '--branch', branch, origin, root);
  // As GitLab and GitHub check out: no branch, but the remote's.
  git(root, 'checkout', '-q', '--detach');
  git(root, 'branch', '-qD', branch);
  // As set-up leaves it; set-up itself has tests of its own and is only said to have been called.
  await mkdir(path.join(root, 'node_modules'));
  await symlink(BIN, path.join(root, 'node_modules/.bin'));
  const bin = path.join(storage.folder, 'bin');
  await mkdir(bin);
  await writeFile(path.join(bin, 'npm'), '#!/bin/sh\necho "npm $*"\n');
  await chmod(path.join(bin, 'npm'), 0o755);
  const home = path.join(storage.folder, 'home');
  await mkdir(home);
  if (user !== undefined)
    await storage.exec('chown', ['-R', `${user.uid}:${user.gid}`, storage.folder], { quiet: true });
  // Where a plain user's storage is goes by HOME: buildah and skopeo do not agree on what storage.conf says for one.
  const own = user === undefined ? {} : { CONTAINERS_STORAGE_CONF: undefined, XDG_RUNTIME_DIR: undefined };
  const machine = {
    ...storage.env,
    PATH: `${bin}:${process.env.PATH}`,
    LAYERS_SOURCES: '1',
    NO_COLOR: '1',
    HOME: home,
  };
  return {
    root,
    storage,
    script: (lines, env) =>
      new Promise((resolve) => {
        const text = ['set -eo pipefail', ...lines].join('\n');
        const options = {
          cwd: root,
          env: { ...machine, ...env, ...own } as NodeJS.ProcessEnv,
          maxBuffer: 1 << 26,
          ...user,
        };
        execFile('bash', ['-c', text], options, (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
        });
      }),
  };
}
