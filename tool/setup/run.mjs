import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, SetupError } from './place.mjs';

const TAIL = 25;

/** Runs a command quietly to its end; when it fails, throws with its last lines and `advice`. */
export function runQuietly(argv, { advice, env = process.env, cwd = root }) {
  const folder = mkdtempSync(join(tmpdir(), 'layers-set-up-'));
  const log = join(folder, 'log');
  const output = openSync(log, 'w');
  try {
    const { status, signal, error } = spawnSync(argv[0], argv.slice(1), {
      cwd,
      env,
      stdio: ['ignore', output, output],
    });
    if (status === 0) return;
    const tail = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-TAIL).join('\n');
    const how = error?.message ?? (signal ? `ended by ${signal}` : `exit code ${status}`);
    throw new SetupError(`${tail}\n'${argv.join(' ')}' failed (${how}). ${advice}`);
  } finally {
    closeSync(output);
    rmSync(folder, { recursive: true, force: true });
  }
}
