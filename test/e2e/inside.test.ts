import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openFailedBuilds } from '../../tool/src/records/failed-builds.ts';
import { listProcesses } from '../../tool/src/system/processes.ts';
import { addSmallImage, createTree, outcomes, type TestTree } from '../helpers/tree.ts';

const BIN = path.resolve(import.meta.dirname, '../../node_modules/.bin/layers');

const layerFile = (name: string, ...cmds: string[]) => `
options: {layer_type: base, name: ${name}, parent: 'oci:small:1', pkg_manager: apt, publish_registry: 'oci:images'}
cmds: ${JSON.stringify(cmds)}
`;

let tree: TestTree;
beforeAll(async () => {
  tree = await createTree();
  await addSmallImage(tree);
});
afterAll(() => tree[Symbol.asyncDispose]());

async function containers(): Promise<string[]> {
  const { stdout } = await tree.storage.exec('buildah', ['containers', '--json'], { quiet: true });
  const listed = (JSON.parse(stdout || 'null') ?? []) as { containername: string }[];
  return listed.map((one) => one.containername);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

const failed = () => openFailedBuilds(path.join(tree.root, '.layers')).all();

test('the container of a layer that failed stays, one of a layer, until the layer is built well', async () => {
  await tree.write('layers/top.yaml', layerFile('top', 'echo one > /etc/one', 'echo broken > /etc/state; exit 3'));
  const plain = await tree.layers(['build']);
  expect(plain.code).toBe(1);
  expect(plain.stdout).not.toContain('layers shell');
  expect(await containers()).toEqual([]);

  const first = await tree.layers(['build', '--keep-failed']);
  expect(first.code).toBe(1);
  expect(first.stdout).toContain("layers shell top --at failed, as the step 'cmds 2/2' left it");
  const [kept] = failed();
  expect(kept).toMatchObject({ id: 'top', step: 'cmds 2/2', message: expect.stringContaining('exit code 3') });
  expect(await containers()).toEqual([kept!.container]);

  // A run that is killed leaves it alone, and takes nothing of it along when it is swept.
  await tree.write('layers/top.yaml', layerFile('top', 'while true; do sleep 1; done'));
  const killed = tree.start(['build', '--output', 'json', '--keep-failed']);
  await killed.seen(/"step":"cmds"/);
  killed.child.kill('SIGKILL');
  await killed.ended;
  await tree.write('layers/top.yaml', layerFile('top', 'exit 4'));
  const second = await tree.layers(['build', '--output', 'json', '--keep-failed']);
  expect(second.stdout).toContain('was killed; what it left was swept');
  expect(failed()).toMatchObject([{ id: 'top', step: 'cmds', message: expect.stringContaining('exit code 4') }]);
  expect(failed()[0]!.container).not.toBe(kept!.container);
  expect(await containers()).toEqual([failed()[0]!.container]);

  await tree.write('layers/top.yaml', layerFile('top', 'echo fine > /etc/state'));
  expect(outcomes(await tree.layers(['build', '--output', 'json']))).toEqual({ top: 'built' });
  expect(failed()).toEqual([]);
  expect(await containers()).toEqual([]);
  expect(await readdir(path.join(tree.storage.folder, 'tmp'))).toEqual([]);
});

test('commands and shells run inside the last build, and leave nothing', async () => {
  await tree.write('layers/top.yaml', layerFile('top', 'echo built > /etc/state'));
  await tree.write('layers/never.yaml', layerFile('never', 'true'));
  expect((await tree.layers(['build', 'top'])).code).toBe(0);
  const inside = (...argv: string[]) => tree.layers(['run', 'top', '--', ...argv]);
  expect(await inside('/bin/busybox', 'cat', '/etc/state')).toMatchObject({ code: 0, stdout: 'built\n', stderr: '' });
  const script = 'echo out; echo err >&2; echo changed > /etc/state; exit 7';
  expect(await inside('/bin/sh', '-c', script)).toMatchObject({ code: 7, stdout: 'out\n', stderr: 'err\n' });
  expect(await inside('/bin/busybox', 'cat', '/etc/state')).toMatchObject({ stdout: 'built\n' });
  expect(await inside('/bin/nothing')).toMatchObject({
    code: 127,
    stderr: '/bin/nothing is not there, or is no program, inside top\n',
  });
  // Last words that look like those of buildah or the shell around it are the program's.
  const words = 'exit status 1\nlayers-run: 1: exec: nosuch: not found\n';
  expect(await inside('/bin/sh', '-c', `printf '${words.replaceAll('\n', '\\n')}' >&2; exit 3`)).toMatchObject({
    code: 3,
    stderr: words,
  });
  for (const [args, message] of [
    [['run', 'never', '--', 'true'], /never was never built here.*\n.*'layers build never' builds it/],
    [['run', 'top'], /run what inside top\?/],
    [['shell', 'tip'], /did you mean 'top'|no layer/],
    [['shell', 'top', '--at', 'failed'], /no failed build of top is kept/],
    [['shell', '*'], /names 2 layers/],
  ] as const) {
    const refused = await tree.layers(args);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(message)]);
  }
  expect(await containers()).toEqual([]);

  // What somebody starts in there does not outlive it.
  const left = ['busybox setsid busybox sleep 1000.5 >/dev/null 2>&1 </dev/null &', '(busybox sleep 1000.5 &); exit 0'];
  for (const line of left) expect(await inside('/bin/sh', '-c', line)).toMatchObject({ code: 0 });
  const sleeping = listProcesses().filter(({ pid }) => commandLine(pid).includes('sleep\0' + '1000.5'));
  expect(sleeping).toEqual([]);
  expect(await containers()).toEqual([]);
});

test('nothing of what a short command prints is lost, however late it is read; where nobody reads on, it ends', async () => {
  await tree.write('layers/top.yaml', layerFile('top', 'true'));
  expect((await tree.layers(['build', 'top'])).code).toBe(0);
  const words = [BIN, '--root', tree.root, 'run', 'top', '--', '/bin/sh', '-c'];
  const piped = (script: string, reader: string) => {
    const pipeline = `exec 2>&1; "$@" | { ${reader}; }; echo "\${PIPESTATUS[0]}"`;
    const argv = ['-c', pipeline, 'bash', ...words, script];
    return tree.storage.exec('bash', argv, { env: { LAYERS_SOURCES: '1' } });
  };
  // More than fits into the pipe that it ends in: the rest is with buildah when the command is over.
  for (let round = 0; round < 4; round += 1) {
    const { stdout } = await piped('printf "%130000s" x', 'sleep 2; wc -c');
    expect(stdout).toBe('130000\n0\n');
  }
  const { stdout } = await piped('while :; do echo y; done', 'head -1');
  expect(stdout).toBe('y\n141\n');
  expect(await containers()).toEqual([]);
});

test('where a step failed there is what it was lent, and in a finished image there is not', async () => {
  const lent = (cmd: string) =>
    layerFile('lent', cmd).replace('options: {', "options: {mounts: ['secret:/opt/lent'], ");
  await tree.write('secret/key', 'open\n');
  await tree.write('layers/lent.yaml', lent('cat /opt/lent/key && exit 3'));
  expect((await tree.layers(['build', 'lent', '--keep-failed'])).code).toBe(1);
  const at = ['run', 'lent', '--at', 'failed', '--', '/bin/sh', '-c'];
  const first = await tree.layers([...at, 'busybox cat /opt/lent/key; echo no > /opt/lent/new']);
  expect(first).toMatchObject({ code: 1, stdout: 'open\n', stderr: expect.stringContaining('Read-only') });
  expect(first.stderr).not.toContain('somebody was in it');

  // What is not there any more keeps nobody out, and nothing of it is in the container.
  await rename(path.join(tree.root, 'secret'), path.join(tree.root, 'away'));
  expect(await tree.layers([...at, 'ls -d /opt/lent'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/somebody was in it at .*: it may be changed\n/),
  });
  const gone = await tree.layers([...at, 'true']);
  expect([gone.code, gone.stderr]).toEqual([
    0,
    expect.stringMatching(/secret is not there, and nothing is mounted at/),
  ]);

  await rename(path.join(tree.root, 'away'), path.join(tree.root, 'secret'));
  await tree.write('layers/lent.yaml', lent('cat /opt/lent/key > /etc/state'));
  expect((await tree.layers(['build', 'lent'])).code).toBe(0);
  const built = await tree.layers(['run', 'lent', '--', '/bin/sh', '-c', 'busybox cat /etc/state; ls -d /opt/lent']);
  expect(built).toMatchObject({ code: 1, stdout: 'open\n' });
});

/** A terminal of 80 by 24, which becomes 99 by 33, in which `layers` is talked to. */
const TALK = `
import os, pty, sys, time, select, fcntl, termios, struct
size = lambda rows, columns: fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
pid, fd = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
size(24, 80)
seen = b''
def until(what, times=1):
    global seen
    end = time.time() + 60
    while seen.count(what) < times and time.time() < end:
        if select.select([fd], [], [], 0.1)[0]: seen += os.read(fd, 4096)
    assert seen.count(what) >= times, seen
until(b'# ')
os.write(fd, b'busybox stty size; echo in-$$-\\n'); until(b'24 80')
size(33, 99); time.sleep(1)
os.write(fd, b'busybox stty size\\n'); until(b'33 99')
os.write(fd, b'busybox sleep 1000\\n'); time.sleep(1); os.write(fd, b'\\x03'); time.sleep(.5)
os.write(fd, b'echo still; exit 5\\n')
try:
    while True: seen += os.read(fd, 4096)
except OSError: pass
sys.stdout.buffer.write(seen); sys.exit(os.waitpid(pid, 0)[1] >> 8)
`;

/** Ctrl-C for what says `in`. */
const INTERRUPT = `
import os, pty, sys
pid, fd = pty.fork()
if pid == 0: os.execvp(sys.argv[1], sys.argv[1:])
seen = b''
while b'in\\r\\n' not in seen: seen += os.read(fd, 4096)
os.write(fd, b'\\x03')
try:
    while True: seen += os.read(fd, 4096)
except OSError: pass
sys.stdout.buffer.write(seen); sys.exit(os.waitpid(pid, 0)[1] >> 8)
`;

test('Ctrl-C at a terminal ends the command as by that signal, without a word of buildah', async () => {
  const file = await tree.write('interrupt.py', INTERRUPT);
  const words = ['run', 'top', '--', '/bin/sh', '-c', 'echo in; busybox sleep 1000; echo not reached'];
  const argv = [file, BIN, '--root', tree.root, ...words];
  const env = { LAYERS_SOURCES: '1', TERM: 'dumb' };
  expect(await tree.storage.exec('python3', argv, { env, accept: [130] })).toMatchObject({ stdout: 'in\r\n^C' });
  expect(await containers()).toEqual([]);
});

test('a shell has the terminal: its size, its keys, its exit code; the failed one is entered itself', async () => {
  const file = await tree.write('talk.py', TALK);
  await tree.write('layers/top.yaml', layerFile('top', 'echo broken > /etc/state; exit 3'));
  expect((await tree.layers(['build', 'top', '--keep-failed'])).code).toBe(1);
  const argv = [file, BIN, '--root', tree.root, 'shell', 'top', '--at', 'failed'];
  const env = { LAYERS_SOURCES: '1', TERM: 'dumb' };
  const { stdout, exitCode } = await tree.storage.exec('python3', argv, { env, accept: [5] });
  expect([exitCode, stdout]).toEqual([5, expect.stringContaining('failed at')]);
  expect(stdout).toMatch(/still/);
  const at = ['run', 'top', '--at', 'failed', '--', '/bin/sh', '-c'];
  expect(await tree.layers([...at, 'busybox cat /etc/state; echo mended > /etc/state'])).toMatchObject({
    stdout: 'broken\n',
  });
  expect(await tree.layers([...at, 'busybox cat /etc/state'])).toMatchObject({ stdout: 'mended\n' });
  expect(failed()).toMatchObject([{ enteredAt: expect.any(String) }]);
  expect(await containers()).toEqual([failed()[0]!.container]);

  // While somebody is in it, it stays, and one that fails meanwhile is not kept in its place.
  const before = failed()[0]!;
  const busy = tree.start([...at, 'echo in; busybox sleep 1000']);
  await busy.seen(/in/);
  await tree.write('layers/top.yaml', layerFile('top', 'exit 6'));
  const again = await tree.layers(['build', 'top', '--keep-failed']);
  expect([again.code, again.stdout]).toEqual([1, expect.stringContaining('somebody is in the one')]);
  expect(failed().map(({ container }) => container)).toEqual([before.container]);
  expect(await containers()).toEqual([before.container]);
  busy.child.kill('SIGTERM');
  await busy.ended;

  // A shell that is killed leaves what a later run sweeps, and the kept container stays whole.
  const killed = tree.start([...at, 'echo in; busybox sleep 1000']);
  await killed.seen(/in/);
  // Not until its streams close: what it started has them still.
  const exit = once(killed.child, 'exit');
  killed.child.kill('SIGKILL');
  await exit;
  const next = await tree.layers(['build', 'top', '--output', 'json']);
  expect(next.stdout).toContain('was killed; what it left was swept');
  expect(await tree.layers([...at, 'busybox cat /etc/state'])).toMatchObject({ stdout: 'mended\n' });
});
