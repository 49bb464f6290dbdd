import { type Edit, type Editing, NOTHING, SITE } from './edits.ts';

const edited = (file: string, expected: Edit['expected'] = SITE, text = '# edited\n'): Edit => ({
  edit: (at) => at.append(file, text),
  expected,
});
const added = (file: string, expected: Edit['expected'] = SITE, text = '{}\n'): Edit => ({
  edit: (at) => at.write(file, text),
  expected,
});
const removed = (file: string, expected: Edit['expected'] = SITE): Edit => ({
  edit: (at) => at.remove(file),
  expected,
});
const done = (edit: (at: Editing) => void, expected: Edit['expected'] = SITE): Edit => ({ edit, expected });
const told = (env: Record<string, string>, expected: Edit['expected'] = SITE): Edit => ({ env, expected });

const ROLE = 'playbooks/roles/used';
const COLLECTION = 'collections/ansible_collections/acme/tools';

/** Every place where Ansible looks, and those where it does not. */
export const ANSIBLE_EDITS: Readonly<Record<string, Edit>> = {
  'a comment in the playbook': edited('playbooks/site.yaml'),
  'the playbook that it imports': edited('playbooks/first.yaml'),
  'another playbook': edited('playbooks/other.yaml', NOTHING),
  'tasks of a role': edited(`${ROLE}/tasks/main.yml`),
  'handlers of a role': edited(`${ROLE}/handlers/main.yml`),
  'defaults of a role': edited(`${ROLE}/defaults/main.yml`),
  'vars of a role': edited(`${ROLE}/vars/main.yml`),
  'a template of a role': edited(`${ROLE}/templates/role.j2`),
  'meta of a role': edited(`${ROLE}/meta/main.yml`),
  'a role that another depends on': edited('playbooks/roles/dependency/tasks/main.yml'),
  'a file of a role that nothing reads': edited(`${ROLE}/files/unused.txt`, NOTHING),
  'a README of a role': edited(`${ROLE}/README.md`, NOTHING),
  'a role that no play uses': edited('playbooks/roles/unused/tasks/main.yml', NOTHING),
  'a role that no play uses goes away': removed('playbooks/roles/unused', NOTHING),
  'a new role': added('playbooks/roles/new/tasks/main.yml', NOTHING),
  'handlers that were absent': added('playbooks/roles/dependency/handlers/main.yml'),
  'defaults that were absent': added('playbooks/roles/dependency/defaults/main.yml'),
  'meta that was absent': added('playbooks/roles/dependency/meta/main.yml'),
  'a module that a role brings, of one that is used': added(`${ROLE}/library/own_module.py`),
  'the defaults of a role go away': removed(`${ROLE}/defaults/main.yml`),
  'a role by a link: what it leads to': edited('elsewhere/tasks/main.yml'),
  'a role by a link: another target': done((at) => at.link('playbooks/roles/linked', '../../elsewhere2')),
  'a role by a link: what it does not lead to': edited('elsewhere2/tasks/main.yml', NOTHING),
  'a role outside the tree': done((at) => at.append(`${at.outside}/outside/tasks/main.yml`, '# edited\n')),
  'a role in the tree before the one outside': added('playbooks/roles/outside/tasks/main.yml', SITE, '[]\n'),
  "a role with the last word of a name that is a collection's": added('playbooks/roles/helper/tasks/main.yml', NOTHING),

  'group_vars of its group, in a folder': edited('inventory/group_vars/compute/main.yaml'),
  'group_vars of its group, another file in the folder': added('inventory/group_vars/compute/more.yaml'),
  'group_vars of its group, a vault': edited('inventory/group_vars/compute/vault.yaml', SITE, '\n'),
  'group_vars of its group, a file behind the folder, which Ansible passes over': added(
    'inventory/group_vars/compute.yml',
    NOTHING,
  ),
  'group_vars of the group above': edited('inventory/group_vars/cluster.yaml'),
  'group_vars of the group above, as a folder': added('inventory/group_vars/cluster/more.yaml'),
  'group_vars of another group': edited('inventory/group_vars/login.yaml', NOTHING),
  'group_vars of another group, new': added('inventory/group_vars/storage.yaml', NOTHING),
  'group_vars of all, absent before': added('inventory/group_vars/all.yaml'),
  'group_vars of all, absent before, as a folder': added('inventory/group_vars/all/main.yaml'),
  'group_vars beside the playbook, absent before': added('playbooks/group_vars/all.yaml'),
  // Where there was no folder nobody knows which names Ansible would look for in it.
  'group_vars beside the playbook, absent before, of another group': added('playbooks/group_vars/login.yaml'),
  'host_vars of its name': edited('inventory/host_vars/site.yaml'),
  'host_vars of its name beside the playbook': added('playbooks/host_vars/site.yaml'),
  'host_vars of another host': edited('inventory/host_vars/node1.yaml', NOTHING),
  'the inventory, a host of another group': done((at) => at.replace('inventory/hosts.yaml', 'login1: ', 'login2: ')),
  'a new inventory': added('inventory/more.yaml', SITE, 'all: {}\n'),
  'a text in the inventory': added('inventory/README.md', NOTHING),
  'what an editor left in the inventory': added('inventory/hosts.yaml~', NOTHING),
  'a swap file in the inventory': added('inventory/.hosts.yaml.swp', NOTHING),
  'a script says something else of its group': done((at) =>
    at.replace('dynamic.json', '"compute": {"vars": {"dynamic": "1"', '"compute": {"vars": {"dynamic": "2"'),
  ),
  'a script says something else of its name': done((at) =>
    at.replace('dynamic.json', '"hostvars": {}', '"hostvars": {"site": {"x": 1}}'),
  ),
  'a script says something else of another group': done(
    (at) => at.replace('dynamic.json', '"login": {"vars": {"dynamic": "1"', '"login": {"vars": {"dynamic": "2"'),
    NOTHING,
  ),
  'a comment in a script': edited('inventory/dynamic.sh', NOTHING),

  'a file of vars_files': edited('playbooks/vars/site.yaml'),
  'a file of include_vars': edited('playbooks/vars/named.yaml'),
  'a folder of include_vars': edited('playbooks/vars/dir/one.yaml'),
  'a folder of include_vars, a new file': added('playbooks/vars/dir/two.yaml'),
  'vars that nothing names': added('playbooks/vars/other.yaml', NOTHING),
  'included tasks': edited('playbooks/more.yaml'),
  'tasks that are never included': edited('playbooks/never.yaml', NOTHING),
  'a candidate of first_found before the one that is there': added('playbooks/files/first.txt'),
  'a candidate of first_found after the one that is there': added('playbooks/files/third.txt', NOTHING),
  'the candidate that is there': edited('playbooks/files/second.txt'),
  'the candidate that is there goes away': removed('playbooks/files/second.txt'),
  'a file that is looked up': edited('playbooks/files/looked-up.txt'),
  'a template': edited('playbooks/templates/page.j2'),
  'a template that another includes': edited('playbooks/templates/part.j2'),
  'a template becomes a link to the same content': done((at) => {
    at.move('playbooks/templates/page.j2', 'playbooks/templates/moved.j2');
    at.link('playbooks/templates/page.j2', 'moved.j2');
  }, NOTHING),
  'a template that git has as a program now': done((at) =>
    at.git('update-index', '--chmod=+x', 'playbooks/templates/page.j2'),
  ),
  'a template, a program on disk and not for git': done(
    (at) => at.chmod('playbooks/templates/page.j2', 0o755),
    NOTHING,
  ),
  'a template that nothing names': edited('playbooks/templates/unused.j2', NOTHING),
  'a new match of fileglob': added('playbooks/files/globbed/b.conf'),
  'a match of fileglob goes away': removed('playbooks/files/globbed/a.conf'),
  'a file of the same name in a role, where a task of the play does not look': added(
    `${ROLE}/files/looked-up.txt`,
    NOTHING,
  ),
  'a file of the same name in templates/, behind the one in files/': added(
    'playbooks/templates/looked-up.txt',
    NOTHING,
  ),
  'a filter plugin': edited('playbooks/filter_plugins/shout.py'),
  'a new filter plugin': added('playbooks/filter_plugins/more.py', SITE, ''),
  'a module': edited('playbooks/library/own_module.py'),
  'a module that nothing calls': edited('playbooks/library/unused_module.py', NOTHING),
  'what a module imports': edited('playbooks/module_utils/own_part.py'),
  'what no module imports': edited('playbooks/module_utils/unused_part.py', NOTHING),
  'a vars plugin beside the playbook': added('playbooks/vars_plugins/own.py', SITE, ''),
  'a role of a collection': edited(`${COLLECTION}/roles/helper/tasks/main.yml`),
  'a role of a collection that nothing uses': edited(`${COLLECTION}/roles/unused/tasks/main.yml`, NOTHING),
  requirements: edited('requirements.yml', NOTHING),

  'a file that is looked up by a name that is put together': edited('playbooks/computed/x.txt'),
  'a file below /usr/local/share that is looked up': done((at) => at.append(`${at.machine.share}/site.crt`, 'more\n')),
  'a file below /usr/local/share that is looked up goes away': done((at) => at.remove(`${at.machine.share}/site.crt`)),
  'a file beside it': done((at) => at.write(`${at.machine.share}/other.crt`, 'x\n'), NOTHING),
  'a candidate of first_found below /etc, absent before': done((at) =>
    at.write(`${at.machine.etc}/override.txt`, 'x\n'),
  ),
  'a candidate of first_found in the home, absent before': done((at) =>
    at.write(`${at.machine.home}/override.txt`, 'x\n'),
  ),
  'a file in the home that nothing looks for': done((at) => at.write(`${at.machine.home}/.profile`, 'x\n'), NOTHING),

  'a comment in ansible.cfg': edited('ansible.cfg'),
  'ansible.cfg goes away, and with it a role': removed('ansible.cfg'),
  'ansible.cfg beside the playbook, behind the one of the tree': added(
    'playbooks/ansible.cfg',
    NOTHING,
    '[defaults]\n',
  ),
  'a variable that the layer names': told({ SITE: 'there' }),
  'a variable that it does not name': told({ OTHER: 'there' }, NOTHING),
  'a variable of Ansible that counts': told({ ANSIBLE_HASH_BEHAVIOUR: 'merge' }),
  'a variable of Ansible that decides how it looks': told({ ANSIBLE_FORCE_COLOR: '1', ANSIBLE_FORKS: '7' }, NOTHING),
  'tool_versions: exact': done((at) =>
    at.replace('layers/site.yaml', 'name: site', 'name: site\n  tool_versions: exact'),
  ),
  'tool_versions: ignore': done((at) =>
    at.replace('layers/site.yaml', 'name: site', 'name: site\n  tool_versions: ignore'),
  ),
  'tool_versions: major, as it is anyway': done(
    (at) => at.replace('layers/site.yaml', 'name: site', 'name: site\n  tool_versions: major'),
    NOTHING,
  ),
  'the vault password by itself': edited('vault-password', NOTHING, '\n'),
};
