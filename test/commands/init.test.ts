import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseArguments } from '../../tool/src/commands/arguments.ts';
import { run } from '../../tool/src/commands/init.ts';
import { loadTree } from '../../tool/src/commands/load-tree.ts';
import { InvalidInput } from '../../tool/src/config/diagnostic.ts';
import { drawTree } from '../../tool/src/graph/draw.ts';

const FIXTURE = path.resolve(import.meta.dirname, '../fixtures/image-build');

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'layers-init-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
}

/** `layers …` in this process, as starting Node for each costs more than all the rest. */
async function layers(...argv: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  const into = (stream: keyof typeof said) => (text: string) => {
    said[stream] += `${text}\n`;
  };
  try {
    const { values, positionals } = parseArguments(argv) ?? { values: {}, positionals: [] };
    const status = await run({
      argv,
      cwd: folder,
      env: process.env,
      options: {},
      values,
      positionals,
      print: into('stdout'),
      warn: into('stderr'),
      stdout: process.stdout,
      stderr: process.stderr,
      signal: new AbortController().signal,
      forced: new AbortController().signal,
    });
    return { status, ...said };
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return { status: 2, ...said, stderr: error.message };
  }
}

const graphOf = async (root: string) => {
  const { graph } = await loadTree({ env: {}, cwd: path.join(folder, root), state: path.join(folder, 'state') });
  return drawTree(graph);
};

const filesIn = (name: string): string[] =>
  readdirSync(path.join(folder, name), { recursive: true, encoding: 'utf8' })
    .filter((file) => statSync(path.join(folder, name, file)).isFile())
    .sort();
const read = (file: string) => readFileSync(path.join(folder, file), 'utf8');

const BASE = `# The base.
options:
  layer_type: base   # from packages
  name: base
  pkg_manager: dnf
  publish_registry: r.example/x
copyfiles:
  - {src: 'files/motd', dest: /etc/motd}
  - {src: "../shared.txt", dest: /etc/shared}
  - {src: /etc/hosts, dest: /etc/hosts}
  - {src: gone, dest: /etc/gone}
repos:
  - {alias: a, url: 'http://m.example/a', gpg: keys/a.asc}
`;

test('a flat folder becomes a tree: paths are mended and told, nothing else of a file changes', async () => {
  write({
    'old/base.yaml': BASE,
    'old/sub/compute.yaml':
      'options: {layer_type: ansible, name: compute, parent: r.example/x/base, playbooks: [site.yaml], inventory: hosts.ini, publish_local: true}\n',
    'old/sub/tools.yaml':
      'options: {layer_type: base, name: tools, pkg_manager: dnf, publish_local: true}\ncopyfiles: [{src: files/motd, dest: /a}, {src: own, dest: /b}]\n',
    'old/sub/own': 'own',
    'old/files/motd': 'motd',
    'shared.txt': 'shared',
    'old/keys/a.asc': 'key',
    'old/site.yaml': '- hosts: all\n  roles: [motd]\n',
    'old/roles/motd/tasks/main.yaml': '- debug:\n',
    'old/hosts.ini': 'compute\n',
    'old/group_vars/all.yaml': 'x: 1\n',
    'old/template.yaml.j2': 'options:\n  layer_type: {{ type }}\n',
    'old/rendered.yaml': 'options:\n  layer_type: base\n  name: {{ name }}\n',
  });
  const before = filesIn('old');
  const made = await layers('init', '--from', 'old', 'new');
  expect([made.status, made.stdout]).toMatchInlineSnapshot(`
    [
      0,
      "new/layers: 3 layers from old
    copied new/inventory/group_vars
    copied new/inventory/hosts.ini
    copied new/layers/files/motd
    copied new/layers/files/shared.txt
    copied new/layers/keys/a.asc
    copied new/layers/sub/own
    copied new/playbooks/files
    copied new/playbooks/roles
    copied new/playbooks/site.yaml
    changed layers/base.yaml:9: ../shared.txt → layers/files/shared.txt
    changed layers/sub/compute.yaml:1: site.yaml → playbooks/site.yaml
    changed layers/sub/compute.yaml:1: hosts.ini → inventory/hosts.ini
    changed layers/sub/tools.yaml:2: files/motd → layers/files/motd
    next: layers plan --root new
    ",
    ]
  `);
  expect(made.stderr).toMatchInlineSnapshot(`
    "note: base.yaml:11: gone was not found; left as it is
    note: rendered.yaml: a Jinja template, left where it is; render it and put what comes out below layers/
    note: template.yaml.j2: a Jinja template, left where it is; render it and put what comes out below layers/
    "
  `);
  expect(filesIn('new')).toMatchInlineSnapshot(`
    [
      ".gitignore",
      "inventory/group_vars/all.yaml",
      "inventory/hosts.ini",
      "layers.yaml",
      "layers/base.yaml",
      "layers/files/motd",
      "layers/files/shared.txt",
      "layers/keys/a.asc",
      "layers/sub/compute.yaml",
      "layers/sub/own",
      "layers/sub/tools.yaml",
      "playbooks/files/motd",
      "playbooks/roles/motd/tasks/main.yaml",
      "playbooks/site.yaml",
    ]
  `);
  expect(read('new/layers/base.yaml')).toBe(BASE.replace('"../shared.txt"', '"layers/files/shared.txt"'));
  expect(filesIn('old')).toEqual(before);
  expect(await graphOf('new')).toBe('scratch\n├── base\n│   └── sub/compute\n└── sub/tools');
});

test('nothing is ever written over', async () => {
  write({ 'old/a.yaml': BASE, 'new/layers/a.yaml': 'mine', 'old/files/motd': 'motd' });
  const refused = await layers('init', '--from', 'old', 'new');
  expect([refused.status, refused.stderr]).toEqual([
    2,
    expect.stringContaining('new/layers/a.yaml would be written over'),
  ]);
  expect(filesIn('new')).toEqual(['layers/a.yaml']);
  expect(read('new/layers/a.yaml')).toBe('mine');
});

test('what image-build took and layers does not is told at once', async () => {
  write({ 'old/a.yaml': 'options: {layer_type: base, name: a, pkg_manager: dnf, publish_local: true, colour: red}\n' });
  const made = await layers('init', '--from', 'old', 'new');
  expect([made.status, made.stderr]).toEqual([0, expect.stringContaining('layers/a.yaml:1:77: error[unknown-key]')]);
});

test('a parent under another name of its registry: what to write, if it is one', async () => {
  write({
    'src/base.yaml': 'options: {layer_type: base, name: base, pkg_manager: dnf, publish_registry: localhost:5000/x}\n',
    'src/top.yaml':
      'options: {layer_type: base, name: top, parent: r.example/x/base:latest, pkg_manager: dnf, publish_local: true}\n',
  });
  const { status, stderr } = await layers('init', '--from', 'src', 'tree');
  expect([status, stderr]).toEqual([0, expect.stringContaining('`registry_names: [[localhost:5000, r.example]]`')]);
  expect(stderr).toContain('layers/top.yaml:1:48: warning[near-miss]');
  expect(stderr).not.toContain('wants them mended');
});

test('the fixture becomes a tree with the same graph', async () => {
  cpSync(FIXTURE, path.join(folder, 'old'), { recursive: true });
  expect((await layers('init', '--from', 'old', 'new')).status).toBe(0);
  expect(await graphOf('new')).toBe(await graphOf('old'));
  expect(await graphOf('new')).toContain('rocky9-compute');
});

test.each([
  [['init'], '--from DIR is missing'],
  [['init', '--from', 'nowhere'], 'there is no folder nowhere'],
  [['init', '--from', '.'], '. holds no layer files'],
])('%j: %s', async (args, message) => {
  const refused = await layers(...args);
  expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining(message)]);
});
