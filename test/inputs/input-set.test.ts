import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createInputTree, git, type InputTree } from './input-tree.ts';

const site = { playbooks: ['playbooks/site.yaml'], inventory: ['inventory'] };
const at = (tree: InputTree, ...names: string[]) => names.map((name) => path.join(tree.root, name));

test('a path that was read counts by content and is in no other list', async () => {
  using tree = createInputTree({ 'playbooks/site.yaml': '', 'inventory/hosts': '' });
  const set = await tree.named(site, {
    read: at(tree, 'playbooks/site.yaml', 'inventory/hosts', '.git/HEAD'),
    probed: at(tree, 'playbooks/site.yaml', 'playbooks', 'inventory', '.', 'ansible.cfg'),
    listed: at(tree, 'inventory', 'playbooks/site.yaml'),
  });
  expect(set).toEqual({
    version: 2,
    read: ['inventory/hosts', 'playbooks/site.yaml'],
    probed: ['ansible.cfg', 'playbooks'],
    listed: ['inventory'],
  });
});

test('places outside the tree have names that are the same on another machine', async () => {
  using home = createInputTree({
    'shared/roles/r/tasks/main.yml': '',
    '.ansible/collections/ansible_collections/ns/done/MANIFEST.json': '{}',
    '.ansible/collections/ansible_collections/ns/raw/galaxy.yml': '',
  });
  using tree = createInputTree(
    { 'playbooks/site.yaml': '' },
    { HOME: home.root, ANSIBLE_ROLES_PATH: path.join(home.root, 'shared/roles') },
  );
  const collections = '.ansible/collections/ansible_collections';
  const set = await tree.named(site, {
    read: [
      ...at(home, 'shared/roles/r/tasks/main.yml', 'site.key', `${collections}/ns/raw/plugins/filter/f.py`),
      ...at(home, `${collections}/ns/done/plugins/modules/m.py`, '.ssh/known_hosts', '.ansible/tmp/x'),
      ...['/tmp/run/ansible/inventory/hosts.json', '/proc/cpuinfo', '/usr/lib/python3/dist-packages/jinja2/x.py'],
      ...['/usr/share/ansible/roles/z/tasks/main.yml', '/etc/site.conf'],
    ],
    probed: [
      ...at(home, 'shared/roles/absent', '.ansible/roles', '.ssh', '.ansible.cfg', `${collections}/ns/none`),
      ...[
        '/etc/ansible/ansible.cfg',
        '/etc/os-release',
        '/usr/bin/python3',
        '/srv',
        '/srv/site/x',
        path.dirname(tree.root),
      ],
    ],
  });
  expect(set.read).toEqual([
    ...['/etc/site.conf', '/usr/share/ansible/roles/z/tasks/main.yml', 'collection:ns.done'],
    ...['collection:ns.raw/plugins/filter/f.py', 'role:r/tasks/main.yml', '~/site.key'],
  ]);
  expect(set.probed).toEqual([
    ...[
      '/etc/ansible/ansible.cfg',
      '/srv/site/x',
      'collection:ns.none',
      'role:absent',
      '~/.ansible.cfg',
      '~/.ansible/roles',
    ],
  ]);
});

test('passwords for the vault and what an inventory script reads of itself never count', async () => {
  using tree = createInputTree(
    { 'ansible.cfg': '[defaults]\nvault_password_file = .vault\n', 'inventory/dynamic': '#!/bin/sh\necho {}\n' },
    { ANSIBLE_VAULT_IDENTITY_LIST: 'prod@secrets/prod,dev@prompt' },
  );
  chmodSync(path.join(tree.root, 'inventory/dynamic'), 0o755);
  const read = at(tree, '.vault', 'secrets/prod', 'own', 'inventory/dynamic', 'ansible.cfg');
  expect((await tree.named({ ...site, ansible_vault_password_file: 'own' }, { read })).read).toEqual(['ansible.cfg']);
});

test('compiled Python stands for its source; a way up through a link adds the link', async () => {
  using tree = createInputTree({ 'deep/real/x': '' });
  mkdirSync(path.join(tree.root, 'playbooks'));
  symlinkSync('../deep/real', path.join(tree.root, 'playbooks/link'));
  const set = await tree.named(site, {
    read: at(tree, 'playbooks/filter_plugins/__pycache__/f.cpython-311.pyc'),
    probed: [`${tree.root}/playbooks/link/../x.yml`, `${tree.root}/playbooks/../y.yml`],
  });
  expect(set.read).toEqual(['playbooks/filter_plugins/f.py']);
  expect(set.probed).toEqual(['playbooks/link', 'playbooks/x.yml', 'y.yml']);
});

test('what appears, goes, or becomes something else changes the digests', async () => {
  using tree = createInputTree({ 'a.yml': '1', 'dir/x': '', 'listed/one': '', 'other/y': '' });
  symlinkSync('dir', path.join(tree.root, 'link'));
  const set = { read: ['a.yml', 'gone.yml'], probed: ['all.yml', 'dir', 'link'], listed: ['listed', 'none'] };
  const now = async () => (await tree.digests(site, set)).files;
  const first = await now();
  expect(first).toEqual({
    'a.yml': expect.stringMatching(/^sha256:/),
    'all.yml': 'absent',
    dir: 'folder',
    'gone.yml': 'absent',
    link: 'folder by dir',
    'listed/': expect.stringMatching(/^names:sha256:/),
    'none/': 'absent',
  });
  const edits: Record<string, () => void> = {
    'all.yml': () => tree.write('all.yml'),
    'gone.yml': () => tree.write('gone.yml'),
    'listed/': () => tree.write('listed/two'),
    'none/': () => tree.write('none/x'),
    link: () => {
      rmSync(path.join(tree.root, 'link'));
      symlinkSync('other', path.join(tree.root, 'link'));
    },
    dir: () => renameSync(path.join(tree.root, 'dir'), path.join(tree.root, 'moved')),
  };
  let before = first;
  for (const [name, edit] of Object.entries(edits)) {
    edit();
    const after = await now();
    const changed = Object.keys(after).filter((one) => after[one] !== before[one]);
    expect(changed).toEqual([name]);
    before = after;
  }
});

test('what editors and Python leave changes no listing; inventories pass over more', async () => {
  using tree = createInputTree({ 'inventory/hosts': '', 'tasks/a.yml': '' });
  const set = { listed: ['inventory', 'tasks'] };
  const now = async () => (await tree.digests(site, set)).files;
  const first = await now();
  for (const name of ['.a.yml.swp', 'a.yml~', '.#a', '#a#', '__pycache__/a.pyc', '.git/x']) tree.write(`tasks/${name}`);
  tree.write('inventory/README.md');
  expect(await now()).toEqual(first);
  tree.write('tasks/README.md');
  const after = await now();
  expect(after['inventory/']).toBe(first['inventory/']);
  expect(after['tasks/']).not.toBe(first['tasks/']);
});

test('.layersignore takes what it names out of what counts of sets and listings', async () => {
  using tree = createInputTree({ '.layersignore': '*.draft\nnotes/\n', 'tasks/a.yml': '', 'notes/n': '' });
  const set = await tree.named(site, {
    read: at(tree, 'tasks/a.yml', 'x.draft', 'notes/n'),
    listed: at(tree, 'tasks'),
  });
  const before = (await tree.digests(site, set)).files;
  expect(Object.keys(before)).toEqual(['tasks/', 'tasks/a.yml']);
  tree.write('tasks/b.draft');
  expect((await tree.digests(site, set)).files).toEqual(before);
});

test('what a run read while .layersignore named it counts again when the line goes', async () => {
  using tree = createInputTree({ '.layersignore': '*.j2\nconf\n', 'r/motd.j2': '1', 'play.yml': '' });
  const trace = { read: at(tree, 'play.yml', 'r/motd.j2'), probed: at(tree, 'r/absent.j2'), listed: at(tree, 'conf') };
  const hidden = await tree.named(site, trace);
  expect(Object.keys((await tree.digests(site, hidden)).files)).toEqual(['play.yml']);
  rmSync(path.join(tree.root, '.layersignore'));
  expect(hidden).toEqual(await tree.named(site, trace));
  const seen = (await tree.digests(site, hidden)).files;
  expect(Object.keys(seen)).toEqual(['conf/', 'play.yml', 'r/absent.j2', 'r/motd.j2']);
  tree.write('r/motd.j2', '22');
  expect((await tree.digests(site, hidden)).files['r/motd.j2']).not.toBe(seen['r/motd.j2']);
});

test('what a playbook makes and removes while it runs is no change meanwhile where .layersignore names it', async () => {
  using tree = createInputTree({ 'play.yml': '' });
  const [made] = at(tree, 'out/r-1') as [string];
  const set = await tree.named(site, { read: [made, ...at(tree, 'play.yml')] });
  expect(await tree.cameOrWent(site, set, { there: [made] })).toEqual([made]);
  tree.write('.layersignore', 'out/\n');
  expect(await tree.cameOrWent(site, set, { there: [made] })).toEqual([]);
});

test('so does what it may have read, where no trace is left', async () => {
  using tree = createInputTree({ '.layersignore': '*.yaml\n', 'playbooks/site.yaml': '[]' });
  const hidden = await tree.superset(site);
  rmSync(path.join(tree.root, '.layersignore'));
  expect(hidden.read).toContain('playbooks/site.yaml');
});

test('a clone under another umask, in another place, has the same digests', async () => {
  using tree = createInputTree({ 'playbooks/site.yaml': 'x', 'playbooks/roles/r/tasks/main.yml': 'y' });
  tree.git('init', '-q');
  tree.git('add', 'playbooks');
  tree.git('commit', '-qm', 'x');
  const set = {
    read: ['playbooks/roles/r/tasks/main.yml', 'playbooks/site.yaml'],
    probed: ['ansible.cfg', 'playbooks/roles/r'],
    listed: ['playbooks/roles'],
  };
  const expected = (await tree.digests(site, set)).files;
  for (const umask of [0o000, 0o077]) {
    using other = createInputTree();
    const before = process.umask(umask);
    try {
      git(other.root, 'clone', '-q', tree.root, 'clone');
    } finally {
      process.umask(before);
    }
    rmSync(path.join(other.root, '.layers'), { recursive: true, force: true });
    using clone = createInputTree();
    rmSync(clone.root, { recursive: true });
    renameSync(path.join(other.root, 'clone'), clone.root);
    expect((await clone.digests(site, set)).files).toEqual(expected);
  }
});

test('what was read or looked for anywhere on the machine counts', async () => {
  using home = createInputTree();
  using tree = createInputTree({}, { HOME: home.root });
  const read = [
    '/boot/vmlinuz',
    '/etc/pki/rpm-gpg/KEY',
    '/run/secrets/token',
    '/srv/site/known_hosts',
    '/usr/lib/systemd/system/x.service',
    '/usr/local/bin/kubectl',
    '/usr/local/share/site/ca.crt',
    '/usr/share/keyrings/x.gpg',
    '/var/lib/site/x',
  ];
  const probed = ['/etc/site/x', '/run/secrets/absent', '/tmp/site', '/usr/share/site/x', '/var/lib/site/y'];
  const set = await tree.named(site, {
    read,
    probed: [...probed, ...at(home, 'override.txt'), '/etc/site', '/usr/share/site', '/usr/local/share/site'],
    listed: ['/etc', '/usr/local/share/site'],
  });
  expect(set.read).toEqual(read);
  expect(set.probed).toEqual([...probed, '~/override.txt']);
  expect(set.listed).toEqual(['/etc', '/usr/local/share/site']);
});

test('what every program reads or asks for does not, nor what Ansible itself made', async () => {
  using home = createInputTree();
  using tree = createInputTree({}, { HOME: home.root });
  const ofAll = [
    ...['/proc/cpuinfo', '/sys/x', '/dev/null', '/run/x.pid', '/var/run/x.pid', '/etc/passwd', '/etc/nsswitch.conf'],
    ...['/etc/resolv.conf', '/etc/hosts', '/etc/ld.so.cache', '/etc/os-release', '/etc/localtime', '/etc/mime.types'],
    ...['/usr/lib/locale/locale-archive', '/usr/lib/x86_64-linux-gnu/gconv/gconv-modules', '/usr/lib/ssl/cert.pem'],
    ...[
      '/etc/ssl/certs/ca-certificates.crt',
      '/usr/share/zoneinfo/UTC',
      '/usr/share/locale/en/LC_MESSAGES/messages.mo',
    ],
    ...['/usr/lib/python3.11/os.py', '/usr/include/python3.11/pyconfig.h', '/usr/lib/x86_64-linux-gnu/libc.so.6'],
    ...['/usr/bin/ansible-playbook', '/opt/venv/bin/ansible-playbook', '/opt/venv/pyvenv.cfg', '/tmp/tmpab12_xyz/x'],
    ...['/etc/ssh/ssh_known_hosts', '/var/lib/containers/storage/x', '/var/log/ansible.log'],
    ...at(home, '.ssh/known_hosts', '.ssh/config', '.netrc', '.ansible/tmp/x'),
  ];
  const idle = [
    '/',
    '/etc',
    '/usr/share',
    '/usr/local',
    '/var/lib',
    '/tmp',
    '/usr/lib/x86_64-linux-gnu',
    '/usr/bin/git',
  ];
  const trace = {
    read: ofAll,
    probed: [
      ...ofAll,
      ...idle,
      ...at(home, '.', '.ansible'),
      '/opt/venv/bin',
      '/opt/venv/bin/Modules/Setup',
      '/srv/ansible.log',
    ],
    listed: ['/usr/bin', '/usr/local/sbin', '/opt/venv/bin', '/etc/ssl/certs'],
    seen: { own: ['/srv/ansible.log'] },
  };
  expect(await tree.named(site, trace)).toEqual({ version: 2, read: [], probed: [], listed: [] });
});
