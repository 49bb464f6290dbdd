import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from 'vitest';

const MAIN = path.resolve(import.meta.dirname, '../../tool/src/main.ts');

test.each([
  ['standard output', '--help', ''],
  ['standard error', 'nonsense', '2>&1 >/dev/null'],
])('whoever reads %s may leave: an end as by SIGPIPE, without a stack', (_, word, to) => {
  // The reader is gone before anything is written.
  const command = `exec 3>&1; { sleep 1; "$NODE" -e "$SCRIPT" -- layers ${word} ${to}; echo "ended with $?" >&3; } | true`;
  const env = { NODE: process.execPath, SCRIPT: `import('${MAIN}').then(({ main }) => main('layers'))` };
  const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', env });
  expect([stdout, stderr]).toEqual(['ended with 141\n', '']);
});
