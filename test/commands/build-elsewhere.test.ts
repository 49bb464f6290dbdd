import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../tool/src/commands/build.ts';
import type { CommandContext } from '../../tool/src/commands/command.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'layers-elsewhere-'));
  mkdirSync(path.join(root, 'layers'));
  const options =
    '{layer_type: base, name: far, parent: scratch, pkg_manager: dnf, architectures: [s390x], publish_local: true}';
  writeFileSync(path.join(root, 'layers/far.yaml'), `options: ${options}\n`);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function build(values: CommandContext['values']) {
  const [printed, warned]: [string[], string[]] = [[], []];
  const never = new AbortController().signal;
  const code = await run({
    argv: ['build'],
    cwd: root,
    env: { PATH: process.env.PATH, LAYERS_ARCHITECTURE: 'amd64' },
    options: {},
    values,
    positionals: [],
    print: (text) => void printed.push(text),
    warn: (text) => void warned.push(text),
    stdout: process.stdout,
    stderr: process.stderr,
    signal: never,
    forced: never,
  });
  return { code, printed, warned };
}

const LEFT = /^left to other machines: s390x \(far\); --emulate builds them here; emulation needs qemu/;

test('a build of nothing but what other machines build says which do, and what would build it here', async () => {
  // The second time from what is kept of the first.
  for (let round = 0; round < 2; round += 1) {
    expect(await build({})).toEqual({
      code: 0,
      printed: ['nothing to do: this machine builds none of what was selected'],
      warned: [expect.stringMatching(LEFT)],
    });
  }
  const { printed, warned } = await build({ output: 'json' });
  expect(warned).toEqual([]);
  expect(JSON.parse(printed[0]!)).toMatchObject({ warnings: [{ id: null, message: expect.stringMatching(LEFT) }] });
});
