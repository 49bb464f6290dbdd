import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

const MAIN = path.resolve(import.meta.dirname, '../../tool/src/main.ts');
const ENV = { NODE: process.execPath, SCRIPT: `import('${MAIN}').then(({ main }) => main('layers'))` };

test.each([
  ['standard output', '--help', ''],
  ['standard error', 'nonsense', '2>&1 >/dev/null'],
])('whoever reads %s may leave: an end as by SIGPIPE, without a stack', (_, word, to) => {
  // The reader is gone before anything is written.
  const command = `exec 3>&1; { sleep 1; "$NODE" -e "$SCRIPT" -- layers ${word} ${to}; echo "ended with $?" >&3; } | true`;
  const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', env: ENV });
  expect([stdout, stderr]).toEqual(['ended with 141\n', '']);
});

test('an output that cannot be written is told, and no success', () => {
  const command = '"$NODE" -e "$SCRIPT" -- layers --help >/dev/full; echo "ended with $?"';
  const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', env: ENV });
  expect(stdout).toBe('ended with 1\n');
  expect(stderr).toMatch(/^standard output cannot be written: .*ENOSPC.*\n$/);
});
