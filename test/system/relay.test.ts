import { execFileSync, type StdioOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createExec } from '../../tool/src/system/exec.ts';
import { RelayEnd, relayed } from '../../tool/src/system/relay.ts';

/** What comes through of chunks, before the end and in all, and what came after the mark. */
function through(mark: string | undefined, ...chunks: string[]) {
  let passed = '';
  const end = new RelayEnd(mark, (bytes) => {
    passed += bytes.toString('latin1');
  });
  for (const chunk of chunks) end.push(Buffer.from(chunk, 'latin1'));
  const before = passed;
  return { before, after: end.end(), passed };
}

describe('what comes before the mark', () => {
  const mark = '\x1eend\x1e';

  test('passes as it comes; mark and filling do not, wherever the chunks are cut', () => {
    const whole = `\xff\x00 out\n${mark}     subprocess exited with status 3\n      Error: exit status 3\n`;
    for (let at = 1; at < whole.length; at += 1) {
      const { passed, after } = through(mark, whole.slice(0, at), whole.slice(at));
      expect([passed, after]).toEqual(['\xff\x00 out\n', ['subprocess exited with status 3', 'Error: exit status 3']]);
    }
    expect(through(mark, ...whole).passed).toBe('\xff\x00 out\n');
  });

  test('is all that there is where no mark comes', () => {
    expect(through(mark, 'prompt> ').before).toBe('prompt> ');
    expect(through(mark, 'a\x1een', 'x\x1e', 'e')).toEqual({ before: 'a\x1eenx', passed: 'a\x1eenx\x1ee', after: [] });
    expect(through(undefined, `a${mark}`, 'b')).toEqual({ before: `a${mark}b`, passed: `a${mark}b`, after: [] });
  });

  test('on a terminal both marks are in one stream', () => {
    expect(through(mark, `out\r\n${mark}   ${mark}   `)).toMatchObject({ passed: 'out\r\n', after: [] });
  });
});

describe('a program behind a relay', () => {
  const run = (...argv: string[]) => {
    const { argv: whole, mark } = relayed(argv);
    const [file, ...args] = whole as [string, ...string[]];
    const { stdout, stderr, status } = spawnSync(file, args, { encoding: 'latin1', input: 'from outside' });
    return { stdout: through(mark, stdout).passed, stderr: through(mark, stderr).passed, status };
  };

  test('has its input, words, variables, exit code and signal', () => {
    expect(run('cat')).toEqual({ stdout: 'from outside', stderr: '', status: 0 });
    expect(run('printf', '%s|', 'a b', '', '$x', '*')).toMatchObject({ stdout: 'a b||$x|*|' });
    expect(run('sh', '-c', 'env | grep layers_; echo err >&2; exit 7')).toEqual({
      stdout: '',
      stderr: 'err\n',
      status: 7,
    });
    expect(run('sh', '-c', 'kill -KILL $$')).toMatchObject({ status: 137 });
    expect(run('sh', '-c', 'kill -INT $$')).toMatchObject({ status: 130 });
    expect(run('/no/such')).toMatchObject({
      status: 127,
      stderr: expect.stringMatching(/^layers-run: .*not found\n$/),
    });
    expect(run('/etc/passwd')).toMatchObject({ status: 126, stderr: expect.stringMatching(/^layers-run: /) });
  });

  test.each(['dash', 'bash'])('has the terminal to itself, whose shell %s is', (shell) => {
    const onTerminal = (...argv: string[]) => {
      const { argv: whole, mark } = relayed(argv);
      const words = [shell, ...whole.slice(1)].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
      const child = spawnSync('script', ['-qec', words.join(' '), '/dev/null'], { encoding: 'latin1' });
      return { ...through(mark, child.stdout), status: child.status };
    };
    const groups = 'ps -o pgid=,tpgid= -p $$ | (read own foreground; test $own = $foreground && echo mine)';
    expect(onTerminal('sh', '-c', `${groups}; exit 4`)).toMatchObject({ passed: 'mine\r\n', after: [], status: 4 });
    // By Ctrl-C; bash then ends its script where it is.
    expect(onTerminal('sh', '-c', 'kill -INT $$')).toMatchObject({ passed: '', after: [], status: 130 });
    expect(onTerminal('sh', '-c', 'kill -KILL $$')).toMatchObject({ after: [], status: 137 });
    expect(onTerminal('/no/such')).toMatchObject({ passed: expect.stringContaining('/no/such'), status: 127 });
  });

  test.each([1, 2])('is not over before what it printed was read and passed on (descriptor %i)', async (descriptor) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'layers-relay-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const fifo = path.join(folder, 'pipe');
    execFileSync('mkfifo', [fifo]);
    // A pipe of which both ends are here, so that it is read when we say so.
    const pipe = await open(fifo, 'r+');
    try {
      const [file, ...args] = relayed(['sh', '-c', `echo last >&${descriptor}`]).argv as [string, ...string[]];
      const stdio: StdioOptions = ['ignore', 'ignore', 'ignore'];
      stdio[descriptor] = pipe.fd;
      const child = spawn(file, args, { stdio });
      const exit = once(child, 'exit');
      const isOver = () => Promise.race([exit.then(() => true), sleep(300, false)]);
      expect(await isOver()).toBe(false);
      // What a relay reads first, with our line in it, is passed on when it reads again.
      const first = await pipe.read(Buffer.alloc(8192));
      expect(first.buffer.toString('utf8', 0, 5)).toBe('last\n');
      expect(await isOver()).toBe(false);
      await pipe.read(Buffer.alloc(64 * 1024));
      expect(await exit).toEqual([0, null]);
    } finally {
      await pipe.close();
    }
  });
});

test('what a failure says is the program’s own and argv as it was asked for', async () => {
  const exec = createExec({ env: process.env });
  const { argv, mark } = relayed(['sh', '-c', 'echo out; echo why >&2; exit 3']);
  const lines: string[] = [];
  const after = 'printf "subprocess exited with status 3\\nError: cleaning up\\n" >&2; exit 3';
  const running = exec('sh', ['-c', `"$@"; ${after}`, 'sh', ...argv], {
    relay: { mark, shown: ['run', 'it'] },
    onLine: (line) => lines.push(line),
  });
  await expect(running).rejects.toMatchObject({
    message: 'sh run it: exit code 3: Error: cleaning up',
    result: { argv: ['sh', 'run', 'it'], stdout: 'out\n', exitCode: 3 },
  });
  expect(lines.sort()).toEqual(['Error: cleaning up', 'out', 'why']);
});
