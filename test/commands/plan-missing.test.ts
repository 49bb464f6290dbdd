import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../tool/src/commands/plan.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'layers-plan-'));
  mkdirSync(path.join(root, 'layers'));
  const options = '{layer_type: base, name: base, parent: oci:nowhere:1, pkg_manager: dnf, publish_local: true}';
  writeFileSync(path.join(root, 'layers/base.yaml'), `options: ${options}\n`);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

test('an image that is not there is an error of the plan, at its place in the layer file', async () => {
  const warned: string[] = [];
  const never = new AbortController().signal;
  const code = await run({
    argv: ['plan'],
    cwd: root,
    env: { PATH: process.env.PATH },
    options: {},
    values: { cache: 'off', 'exit-code': true },
    positionals: [],
    print: () => {},
    warn: (text) => void warned.push(text),
    stdout: process.stdout,
    stderr: process.stderr,
    signal: never,
    forced: never,
  });
  expect([code, warned]).toEqual([
    1,
    [expect.stringMatching(/^error: layers\/base\.yaml:1:49: the parent `oci:nowhere:1` was not found: there is no/)],
  ]);
});
