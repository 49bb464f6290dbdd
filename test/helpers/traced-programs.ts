import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import type { TestTree } from './tree.ts';

const BIN = path.resolve(import.meta.dirname, '../../node_modules/.bin/layers');

export interface Traced {
  readonly code: number;
  /** Standard output and error. */
  readonly printed: string;
  /** An `execve(…)` line of strace for each program that it and its children started, with the whole argv. */
  readonly started: readonly string[];
}

/** Runs `layers` in a tree under strace. */
export async function tracedLayers(
  tree: TestTree,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Traced> {
  const trace = path.join(tree.storage.folder, 'trace');
  const only = ['-e', 'trace=execve', '-e', 'signal=none'];
  const strace = ['-f', '--seccomp-bpf', '-qq', '-s', '1000000', ...only, '-o', trace];
  const all = { ...tree.storage.env, LAYERS_SOURCES: '1', NO_COLOR: '1', ...env } as NodeJS.ProcessEnv;
  const { code, printed } = await new Promise<{ code: number; printed: string }>((resolve) => {
    execFile(
      'strace',
      [...strace, BIN, ...args],
      { cwd: tree.root, env: all, maxBuffer: 1 << 28 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), printed: stdout + stderr }),
    );
  });
  const started = (await readFile(trace, 'utf8')).split('\n').filter((line) => line.includes('execve('));
  await rm(trace);
  return { code, printed, started };
}
