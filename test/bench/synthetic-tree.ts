import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { plainEnvironment } from './measure.ts';

const KIBIBYTE = 1024;

interface Shape {
  /** Layers in chains of this length instead of four on each. */
  readonly deep?: number;
  /** Where they are published to. */
  readonly registry?: string;
}

/**
 * A git tree of `count` layers: layer i stands on layer ⌊(i-1)/4⌋, each reads two files of 2 KiB of its own, and every fifth is an
 * Ansible layer with a playbook and a role of its own. The layers publish to a registry.
 */
export function makeSyntheticTree(root: string, count: number, shape: Shape = {}): void {
  const { deep, registry = 'registry.invalid' } = shape;
  const folders = new Set<string>();
  const write = (file: string, text: string) => {
    const full = path.join(root, file);
    const folder = path.dirname(full);
    if (!folders.has(folder)) mkdirSync(folder, { recursive: true });
    folders.add(folder);
    writeFileSync(full, text);
  };
  write(
    'layers.yaml',
    `defaults:\n  options:\n    publish_registry: ${registry}/site\n    registry_opts_push: --tls-verify=false\n`,
  );
  write('inventory/hosts.yaml', 'all:\n  children:\n    nodes:\n');
  write('inventory/group_vars/nodes.yaml', 'site: synthetic\n');
  for (let index = 0; index < count; index += 1) {
    // 100 layers a folder, as nobody keeps a thousand files side by side.
    const id = `group-${Math.floor(index / 100)}/layer-${index}`;
    const above = deep === undefined ? Math.floor((index - 1) / 4) : index - 1;
    const isRoot = index === 0 || (deep !== undefined && index % deep === 0);
    const parent = isRoot ? 'scratch' : `layer-${above}`;
    if (!isRoot && index % 5 === 0) writeAnsibleLayer(write, id, index, parent);
    else writeBaseLayer(write, id, index, parent);
  }
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, env: plainEnvironment(), stdio: 'ignore' });
  git('init', '-q');
  git('add', '.');
}

type Write = (file: string, text: string) => void;

function writeBaseLayer(write: Write, id: string, index: number, parent: string): void {
  const options = `options:\n  layer_type: base\n  name: layer-${index}\n  parent: ${parent}\n  pkg_manager: apt\n`;
  const copies = ['a', 'b'].map((one) => `  - src: files/layer-${index}/${one}\n    dest: /srv/${index}/${one}\n`);
  write(`layers/${id}.yaml`, `${options}copyfiles:\n${copies.join('')}`);
  for (const one of ['a', 'b']) write(`files/layer-${index}/${one}`, filler(`${index} ${one}`));
}

function writeAnsibleLayer(write: Write, id: string, index: number, parent: string): void {
  const options = `options:\n  layer_type: ansible\n  name: layer-${index}\n  parent: ${parent}\n`;
  write(
    `layers/${id}.yaml`,
    `${options}  groups: nodes\n  inventory: inventory\n  playbooks: playbooks/layer-${index}.yaml\n`,
  );
  write(`playbooks/layer-${index}.yaml`, `- hosts: nodes\n  roles: [role-${index}]\n`);
  const task = `- name: Configure\n  ansible.builtin.template:\n    src: a.j2\n    dest: /srv/${index}\n    mode: '0644'\n`;
  write(`playbooks/roles/role-${index}/tasks/main.yaml`, `${task}${filler('tasks', '# ')}`);
  write(`playbooks/roles/role-${index}/templates/a.j2`, filler(`${index}`));
}

function filler(seed: string, start = ''): string {
  const line = `${start}${seed} ${'x'.repeat(60)}\n`;
  return line
    .repeat(Math.ceil((2 * KIBIBYTE) / line.length))
    .slice(0, 2 * KIBIBYTE - 1)
    .concat('\n');
}
