import { chmodSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { createInputTree, type InputTree } from './input-tree.ts';

const options = { name: 'image', groups: ['compute'], playbooks: [], inventory: ['inventory'] };

/** Each version has another path: within one process a script is asked once. */
function script(tree: InputTree, name: string, inventory: unknown, rest = ''): void {
  tree.write(`inventory/${name}.json`, JSON.stringify(inventory));
  tree.write(`inventory/${name}`, `#!/bin/sh\n${rest}\ncat "$0.json"\n`);
  chmodSync(path.join(tree.root, 'inventory', name), 0o755);
}

const base = {
  compute: { hosts: ['n1'], vars: { a: 1 } },
  cluster: { children: ['compute'], vars: { b: 1 } },
  login: { hosts: ['l1'], vars: { c: 1 } },
  all: { vars: { d: 1 } },
  _meta: { hostvars: { image: { e: 1 }, n1: { f: 1 } } },
};

async function digestOf(inventory: unknown, rest?: string): Promise<string | undefined> {
  using tree = createInputTree();
  script(tree, 'dynamic', inventory, rest);
  const { files } = await tree.fixed(options);
  expect(Object.keys(files)).toEqual(['inventory-script:inventory/dynamic']);
  return files['inventory-script:inventory/dynamic'];
}

test("a script counts by what it says of the layer's groups, those above, all, and its name", async () => {
  const first = await digestOf(base);
  const same = [
    Object.fromEntries(Object.entries(base).reverse()),
    { ...base, login: { hosts: ['l2'], vars: { c: 2 } } },
    { ...base, _meta: { hostvars: { ...base._meta.hostvars, n1: { f: 2 } } } },
  ];
  for (const one of same) expect(await digestOf(one)).toBe(first);
  expect(await digestOf(base, '# another text')).toBe(first);
  const others = [
    { ...base, compute: { ...base.compute, vars: { a: 2 } } },
    { ...base, compute: { ...base.compute, hosts: ['n1', 'n2'] } },
    { ...base, cluster: { children: ['compute'], vars: { b: 2 } } },
    { ...base, all: { vars: { d: 2 } } },
    { ...base, _meta: { hostvars: { image: { e: 2 } } } },
    { ...base, login: { hosts: ['image'] } },
  ];
  for (const one of others) expect(await digestOf(one)).not.toBe(first);
});

test('a script without _meta is asked for the host, as Ansible does', async () => {
  const inventory = { compute: ['image'] };
  const answer = (value: number) => `if [ "$1" = --host ]; then echo '{"x": ${value}}'; exit; fi`;
  expect(await digestOf(inventory, answer(1))).not.toBe(await digestOf(inventory, answer(2)));
});

test('one that fails or prints no JSON is named', async () => {
  using tree = createInputTree();
  script(tree, 'broken', {}, 'echo no such token >&2; exit 3');
  script(tree, 'chatty', 'text');
  await expect(tree.fixed(options)).rejects.toMatchObject({
    diagnostics: [
      {
        code: 'inventory-script',
        message: expect.stringMatching(/^the inventory script inventory\/broken --list failed: .*no such token$/),
      },
      { message: 'the inventory script inventory/chatty --list printed no JSON object' },
    ],
  });
});

test('an executable without a program in it, and variables beside the sources, are no scripts', async () => {
  using tree = createInputTree({ 'inventory/hosts.yaml': 'all: {}\n', 'inventory/group_vars/x': '#!/bin/false\n' });
  for (const name of ['hosts.yaml', 'group_vars/x']) chmodSync(path.join(tree.root, 'inventory', name), 0o755);
  expect((await tree.fixed(options)).files).toEqual({});
});
