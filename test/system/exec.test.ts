import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CommandFailure } from '../../tool/src/system/command.ts';
import { createExec } from '../../tool/src/system/exec.ts';
import { listProcesses } from '../../tool/src/system/processes.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-exec-'));
});
afterAll(() => rm(folder, { recursive: true }));

const { HOME, PATH } = process.env;
const exec = createExec({ env: { HOME, PATH }, graceMs: 300 });

/** Runs a shell script that must fail; gives the failure. */
async function failureOf(
  script: string,
  options: Parameters<typeof exec>[2] = {},
  run = exec,
): Promise<CommandFailure> {
  const outcome = await run('sh', ['-c', script], options).catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(CommandFailure);
  return outcome as CommandFailure;
}

/** Whether the process whose pid a script wrote to `file` still runs. */
async function runs(file: string): Promise<boolean> {
  const pid = Number(await readFile(file, 'utf8'));
  expect(pid).toBeGreaterThan(1);
  return listProcesses().some((entry) => entry.pid === pid);
}

test('gives output, exit code and the last lines of both streams', async () => {
  const lines: string[] = [];
  const result = await exec('sh', ['-c', 'echo one; echo two >&2; exit 3'], {
    accept: [3],
    onLine: (line, stream) => lines.push(`${stream}: ${line}`),
  });
  expect(result).toMatchObject({ exitCode: 3, signal: null, stdout: 'one\n' });
  expect(result.tail.toSorted()).toEqual(['one', 'two']);
  expect(lines.toSorted()).toEqual(['stderr: two', 'stdout: one']);
});

test('a failure says what the program said last', async () => {
  const failure = await failureOf('echo no space left >&2; exit 7');
  expect(failure.reason).toBe('exit');
  expect(failure.message).toBe('sh -c echo no space left >&2; exit 7: exit code 7: no space left');
});

test('a program that is not there is told apart from one that fails', async () => {
  await expect(exec('no-such-program-of-layers', [])).rejects.toMatchObject({ reason: 'not-found' });
  await expect(exec('true', [], { cwd: '/no/such/folder' })).rejects.toMatchObject({ reason: 'spawn' });
});

test('a signal is a failure of its own', async () => {
  expect((await failureOf('kill -9 $$')).reason).toBe('signal');
});

test('children get the allowed environment only', async () => {
  const dirty = createExec({
    env: {
      PATH,
      HOME,
      NODE_PATH: '/x',
      npm_config_a: 'b',
      S3_SECRET: 's',
      AWS_SECRET_ACCESS_KEY: 's',
      // It would change images and is in no recipe.
      SOURCE_DATE_EPOCH: '1',
      https_proxy: 'http://p',
    },
  });
  const { stdout } = await dirty('env', [], { env: { EXTRA: '1', HOME: undefined } });
  const names = stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('=')[0]);
  expect(names.toSorted()).toEqual(['EXTRA', 'LANG', 'LAYERS_EXEC_ID', 'LC_ALL', 'PATH', 'https_proxy']);
});

test('input reaches the child; without input its stdin is empty', async () => {
  expect((await exec('cat', [], { input: 'text' })).stdout).toBe('text');
  expect((await exec('cat', [])).stdout).toBe('');
  // A child that does not read a large input is no error.
  await exec('true', [], { input: 'x'.repeat(1_000_000) });
});

test('invalid UTF-8 is replaced', async () => {
  const result = await exec('printf', ['a\\377b\\n']);
  expect(result.stdout).toBe('a\uFFFDb\n');
  expect(result.tail).toEqual(['a\uFFFDb']);
});

test('secrets show neither in argv nor in lines', async () => {
  const logged: string[] = [];
  const run = createExec({ env: { PATH }, log: (line) => logged.push(line) });
  const failure = await failureOf('echo pass=hunter2; exit 1 # --creds=u:hunter2', { secrets: ['hunter2'] }, run);
  expect(logged).toEqual(['pass=***']);
  expect(JSON.stringify([failure.message, failure.result.argv, failure.result.tail])).not.toContain('hunter2');
});

test('quiet calls do not reach the log', async () => {
  const logged: string[] = [];
  const run = createExec({ env: { PATH }, log: (line) => logged.push(line) });
  await run('echo', ['quiet'], { quiet: true });
  await run('echo', ['loud']);
  expect(logged).toEqual(['loud']);
});

test('a total and an idle limit end the whole group', async () => {
  const file = path.join(folder, 'limit');
  const failure = await failureOf(`sleep 1000 & echo $! > ${file}; wait`, { totalMs: 200 });
  expect(failure.reason).toBe('timeout');
  expect(await runs(file)).toBe(false);
  expect((await failureOf('sleep 1000', { idleMs: 100 })).reason).toBe('idle');
  await exec('sh', ['-c', 'for i in 1 2 3 4 5; do echo $i; sleep 0.1; done'], { idleMs: 2000 });
});

test('a process that ignores SIGTERM, is in a session of its own and has lost its parent is ended too', async () => {
  const file = path.join(folder, 'escaped');
  const daemon = `trap "" TERM; echo $$ > ${file}; exec sleep 1000 </dev/null >/dev/null 2>&1`;
  await failureOf(`(setsid sh -c '${daemon}' &) ; sleep 1000`, { totalMs: 300 });
  expect(await runs(file)).toBe(false);
});

test('setsid does not escape with a clean environment either', async () => {
  const file = path.join(folder, 'clean');
  await failureOf(`(env -i setsid sh -c 'echo $$ > ${file}; exec sleep 1000' &) ; sleep 1000`, { totalMs: 300 });
  expect(await runs(file)).toBe(false);
});

test('what a program leaves behind does not hang the call and is ended', async () => {
  const file = path.join(folder, 'left');
  const before = performance.now();
  const result = await exec('sh', [
    '-c',
    `(setsid sh -c 'echo $$ > ${file}; exec sleep 1000' &) ; sleep 0.1; echo done`,
  ]);
  expect(result.stdout).toBe('done\n');
  expect(await runs(file)).toBe(false);
  expect(performance.now() - before).toBeLessThan(5000);
});

test('cancellation ends the child before the call rejects; afterwards nothing starts', async () => {
  const controller = new AbortController();
  const run = createExec({ env: { PATH }, signal: controller.signal, graceMs: 300 });
  const file = path.join(folder, 'cancelled');
  const failure = failureOf(`echo $$ > ${file}; echo started; sleep 1000`, { onLine: () => controller.abort() }, run);
  expect((await failure).reason).toBe('cancelled');
  expect(await runs(file)).toBe(false);
  expect((await failureOf(`touch ${file}-again`, {}, run)).reason).toBe('cancelled');
  await expect(readFile(`${file}-again`)).rejects.toThrow();
});

test('children inherit the lock and their time is told', async () => {
  const lock = path.join(folder, 'lock');
  await writeFile(lock, '');
  const { open } = await import('node:fs/promises');
  const handle = await open(lock, 'r');
  try {
    const intervals: { start: number; end: number }[] = [];
    const run = createExec({ env: { PATH }, lockFds: [handle.fd], onChild: (interval) => intervals.push(interval) });
    expect((await run('readlink', ['/proc/self/fd/4'])).stdout).toBe(`${lock}\n`);
    expect(intervals).toHaveLength(1);
    expect(intervals[0]!.end).toBeGreaterThan(intervals[0]!.start);
  } finally {
    await handle.close();
  }
});

test('a gigabyte of output takes bounded memory', async () => {
  const before = process.memoryUsage.rss();
  let lines = 0;
  await exec('sh', ['-c', `yes ${'x'.repeat(999)} | head -c 1000000000`], {
    collect: false,
    onLine: () => (lines += 1),
  });
  expect(lines).toBe(1_000_000);
  expect(process.memoryUsage.rss() - before).toBeLessThan(150_000_000);
}, 60_000);

test('a line without end is cut', async () => {
  const lines: string[] = [];
  await exec('head', ['-c', '200000', '/dev/zero'], { collect: false, onLine: (line) => lines.push(line) });
  expect(lines.map((line) => line.length)).toEqual([65536]);
});

test('skopeo is told of another registries.conf, for which it has no variable', async () => {
  const script = path.join(folder, 'skopeo');
  await writeFile(script, '#!/bin/sh\necho "$@"\n', { mode: 0o755 });
  const PATH_OF_FAKE = `${folder}:${PATH}`;
  for (const name of ['CONTAINERS_REGISTRIES_CONF', 'REGISTRIES_CONFIG_PATH']) {
    const told = createExec({ env: { PATH: PATH_OF_FAKE, [name]: '/site/registries.conf' } });
    expect((await told('skopeo', ['inspect', 'x'])).stdout).toBe('--registries-conf /site/registries.conf inspect x\n');
    expect((await told('echo', ['x'])).stdout).toBe('x\n');
  }
  expect((await createExec({ env: { PATH: PATH_OF_FAKE } })('skopeo', ['inspect'])).stdout).toBe('inspect\n');
});
