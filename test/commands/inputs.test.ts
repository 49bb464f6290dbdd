import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CommandContext } from '../../tool/src/commands/command.ts';
import { run } from '../../tool/src/commands/inputs.ts';
import { openRecords } from '../../tool/src/records/record-store.ts';

let root: string;
let home: string;

const FILES: Readonly<Record<string, string>> = {
  'layers/base.yaml': `
options: {layer_type: base, name: base, pkg_manager: apt, parent: scratch, publish_local: true, environment: [SITE], tool_versions: ignore}
copyfiles:
  - {src: copied/motd, dest: /etc/motd}
  - {src: copied, dest: /srv}
`,
  'layers/site.yaml':
    'options: {layer_type: ansible, name: site, parent: base, publish_local: true, playbooks: site.yaml, tool_versions: ignore}\n',
  'site.yaml': '- hosts: all\n  roles: [linked, outside]\n',
  'shared/tasks/main.yml': '- debug:\n',
  'copied/motd': 'hi\n',
  'copied/other': 'x\n',
};

beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'layers-inputs-'));
  home = mkdtempSync(path.join(tmpdir(), 'layers-inputs-home-'));
  const write = (file: string, text: string) => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  };
  for (const [name, text] of Object.entries(FILES)) write(path.join(root, name), text);
  write(path.join(home, '.ansible/roles/outside/tasks/main.yml'), '- debug:\n');
  mkdirSync(path.join(root, 'roles'));
  symlinkSync('../shared', path.join(root, 'roles/linked'));
});
afterAll(() => {
  for (const folder of [root, home]) rmSync(folder, { recursive: true, force: true });
});

async function inputs(name: string, json = false): Promise<string> {
  const lines: string[] = [];
  const context: Partial<CommandContext> = {
    cwd: root,
    env: { HOME: home, SITE: 'x' },
    options: {},
    values: { json },
    positionals: [name],
    print: (text) => void lines.push(text),
  };
  expect(await run(context as CommandContext)).toBe(0);
  return lines.join('\n');
}

test('copied files are listed with their entries, variables by name', async () => {
  const lines = (await inputs('base')).split('\n').map((line) => line.trim().split(/ {2,}/));
  expect(lines).toEqual([
    ['base'],
    ['copied/motd', 'copyfiles entries 1, 2'],
    ['copied/other', 'copyfiles entry 2'],
    ['$SITE', 'variable, by the hash of its value'],
  ]);
});

test('an Ansible layer lists what it may read, then what its last run depended on', async () => {
  const of = async () => JSON.parse(await inputs('site', true)).layers[0];
  const outside = path.join(home, '.ansible/roles/outside/tasks/main.yml');
  const linked = { name: 'roles/linked/tasks/main.yml', path: path.join(root, 'shared/tasks/main.yml') };
  expect(await of()).toEqual({
    id: 'site',
    playedAt: null,
    inputs: [
      { name: 'role:outside/tasks/main.yml', origin: 'may-read', path: outside },
      { ...linked, origin: 'may-read' },
      { name: 'site.yaml', origin: 'may-read' },
    ],
    tools: {},
    environment: [],
  });
  const inputSet = { version: 2, read: ['site.yaml', linked.name], probed: ['ansible.cfg'], listed: ['roles'] };
  const record = { version: 2, id: 'site', lastBuiltAt: '2026-01-02T03:04:05Z', inputSet };
  await openRecords(path.join(root, '.layers')).write(record as never);
  expect((await of()).inputs).toEqual([
    { name: 'ansible.cfg', origin: 'probed' },
    { name: 'role:outside/tasks/main.yml', origin: 'may-read', path: outside },
    { name: 'roles', origin: 'listed' },
    { ...linked, origin: 'read' },
    { name: 'site.yaml', origin: 'read' },
  ]);
  expect(await inputs('site')).toMatch(/site\.yaml +read by the playbook run of 2026-01-02T03:04:05Z$/m);
  expect(await inputs('site')).toMatch(/may be read \(static\), was not: does not count$/m);
  writeFileSync(path.join(root, '.layersignore'), 'ansible.cfg\nroles\n');
  expect((await of()).inputs.map(({ name }: { name: string }) => name)).toEqual([
    'role:outside/tasks/main.yml',
    'site.yaml',
  ]);
});
