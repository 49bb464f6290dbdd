import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CommandContext } from '../../tool/src/commands/command.ts';
import { loadTree } from '../../tool/src/commands/load-tree.ts';
import { machineArchitecture } from '../../tool/src/commands/machine-facts.ts';
import { neededBuilds } from '../../tool/src/commands/needed-builds.ts';
import { remembering } from '../../tool/src/commands/prepare.ts';

let root: string;
let warnings: string[];
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'layers-needed-'));
  warnings = [];
  git('init', '--quiet', '--initial-branch=main');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const git = (...args: string[]) =>
  execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
    cwd: root,
    env: { ...process.env, GIT_COMMITTER_DATE: '2026-01-01T00:00:00Z' },
    stdio: 'pipe',
  });

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), text);
}

/** A layer whose recipe key is known without anything being built. */
const plain = (name: string, more = '', rest = '') =>
  write(
    `layers/${name}.yaml`,
    `options: {layer_type: base, name: ${name}, parent: scratch, pkg_manager: dnf${more}}\n${rest}`,
  );

function commit(): void {
  git('add', '.');
  git('commit', '--quiet', '--message=x');
}

/** Who needs each key. */
async function needed(PATH = process.env.PATH): Promise<Record<string, number>> {
  const never = new AbortController().signal;
  const { stdout, stderr } = process;
  const context: CommandContext = {
    argv: [],
    cwd: root,
    env: { PATH },
    options: {},
    values: {},
    positionals: [],
    print: () => {},
    warn: (line) => void warnings.push(line),
    stdout,
    stderr,
    signal: never,
    forced: never,
  };
  const loaded = remembering(await loadTree({ cwd: root, env: context.env }));
  const { keys } = await neededBuilds(context, loaded, 'local');
  const whose = [...keys.values()];
  return Object.fromEntries([...new Set(whose)].map((who) => [who, whose.filter((one) => one === who).length]));
}

test('a file that is not there is said once with all that lack it; other layers of these branches are needed as ever', async () => {
  write('.gitignore', 'dist\n');
  plain('builder', '', 'copyfiles: [{src: dist/layers.deb, dest: /root}]\n');
  write('layers/above.yaml', 'options: {layer_type: base, name: above, parent: builder, pkg_manager: dnf}\n');
  plain('node');
  commit();
  for (const branch of ['one', 'two']) {
    git('checkout', '--quiet', '-b', branch);
    plain('node', '', `cmds: [echo ${branch}]\n`);
    commit();
  }
  plain('node', '', 'cmds: [echo edited]\n');
  expect(await needed()).toEqual({ 'the tree': 1, 'branch main': 1, 'branch one': 1, 'branch two': 1 });
  expect(warnings).toEqual([
    'layers/builder.yaml: dist/layers.deb is not there (the tree, branch main, branch one, branch two); only the last builds of above, builder are known to be needed',
  ]);
});

test('what other machines build is needed, too', async () => {
  const other = machineArchitecture({}) === 's390x' ? 'amd64' : 's390x';
  plain('node', `, architectures: [${machineArchitecture({})}, ${other}]`);
  plain('far', `, architectures: [${other}]`, 'cmds: [echo far]\n');
  expect(await needed()).toEqual({ 'the tree': 3 });
  expect(warnings).toEqual([]);
});

test('an image from outside is asked for once, not once a branch', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'layers-bin-'));
  try {
    for (const [name, text] of [
      ['buildah', 'echo "x: image not known" >&2; exit 125'],
      ['skopeo', `echo asked >> ${folder}/asked; echo sha256:${'1'.repeat(64)}`],
    ] as const)
      writeFileSync(path.join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    write('layers/node.yaml', 'options: {layer_type: base, name: node, parent: r.example/x:1, pkg_manager: dnf}\n');
    commit();
    for (const branch of ['one', 'two']) {
      git('checkout', '--quiet', '-b', branch);
      write(
        'layers/node.yaml',
        `options: {layer_type: base, name: node, parent: r.example/x:1, pkg_manager: dnf}\ncmds: [echo ${branch}]\n`,
      );
      commit();
    }
    // The work tree is that of the last branch.
    expect(await needed(`${folder}:${process.env.PATH}`)).toEqual({ 'the tree': 1, 'branch main': 1, 'branch one': 1 });
    expect(readFileSync(path.join(folder, 'asked'), 'utf8')).toBe('asked\n');
    expect(warnings).toEqual([]);
    writeFileSync(path.join(folder, 'skopeo'), '#!/bin/sh\nexit 1\n');
    expect(await needed(`${folder}:${process.env.PATH}`)).toEqual({});
    expect(warnings).toEqual([
      'the image r.example/x:1 was not found (the tree, branch main, branch one, branch two); only the last builds of node are known to be needed',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
