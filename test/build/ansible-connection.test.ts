import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createExec } from '../../tool/src/system/exec.ts';
import { listProcesses } from '../../tool/src/system/processes.ts';
import { listenAsNobody } from '../helpers/abstract-intruder.ts';
import { AgentRequest, agentHere, type Session } from '../helpers/agent-client.ts';

let folder: string;
let agent: Awaited<ReturnType<typeof agentHere>>;
let session: Session;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-agent-'));
  agent = await agentHere(folder);
  session = await agent.state('ready');
});
afterAll(async () => {
  await agent.connection.close();
  await rm(folder, { recursive: true });
});

const USER = String(process.getuid?.());
const ask = (verb: string, words: readonly string[], data?: ConstructorParameters<typeof AgentRequest>[2]) =>
  new AgentRequest(session, [verb, USER === '0' ? 'root' : USER, ...words], data);
const run = (command: string, data?: Parameters<typeof ask>[2]) => ask('run', [command], data).answer;
const runs = (pid: number) => listProcesses().some((entry) => entry.pid === pid);

async function gone(pid: number): Promise<void> {
  while (runs(pid)) await sleep(10);
}

/** Pieces of 1 MiB. */
async function* megabytes(count: number) {
  const piece = Buffer.alloc(1 << 20, 'x');
  for (let index = 0; index < count; index += 1) yield piece;
}

test('a command: its input, both outputs as bytes, its exit code', async () => {
  const answer = await run("cat; printf '\\377\\000e' >&2; exit 7", Buffer.from([0, 255, 10, 1]));
  expect(answer.code).toBe(7);
  expect([...answer.stdout]).toEqual([0, 255, 10, 1]);
  expect([...answer.stderr]).toEqual([255, 0, 101]);
});

test('what was killed ends with 128 and the signal, as a shell says', async () => {
  expect(await run('kill -9 $$')).toMatchObject({ code: 137 });
});

test('a command has the signals and files of a fresh process', async () => {
  const { stdout } = await run('trap - PIPE; grep SigIgn /proc/self/status; ls /proc/self/fd');
  const [ignored, ...files] = stdout.toString().trim().split('\n');
  expect(ignored).toMatch(/\s0+$/);
  // What it inherits of layers itself is a lock, and the lifeline by which orphans are found.
  expect(files.filter((one) => Number(one) < 3)).toEqual(['0', '1', '2']);
  expect((await run('yes | head -n 1')).stdout.toString()).toBe('y\n');
});

test('a command that closed its outputs still gets all of its input', async () => {
  const file = path.join(folder, 'input');
  expect(await run(`exec >&- 2>&-; sleep 0.1; exec cat > ${file}`, megabytes(3))).toMatchObject({ code: 0 });
  expect((await stat(file)).size).toBe(3 << 20);
});

test.skipIf(process.getuid?.() !== 0)('nothing is read of what another user sends', async () => {
  const script = `
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(b"\\0" + sys.argv[1].encode())
s.settimeout(5)
s.sendall(b"\\x7f" * 8)
print(s.recv(1))
`;
  const exec = createExec({ env: process.env });
  const argv = ['--reuid=65534', '--clear-groups', '/usr/bin/python3', '-c', script, session.socket];
  expect((await exec('setpriv', argv, { accept: [0, 1] })).tail.join('\n')).toMatch(/^b''$|reset by peer|Broken pipe/m);
});

test.skipIf(process.getuid?.() !== 0)("another user who listens in the agent's place is told nothing", async () => {
  const socket = `layers-${randomUUID()}`;
  const place = path.join(folder, 'taken.json');
  await writeFile(place, JSON.stringify({ container: 'host', state: 'ready', socket, token: 'secret', run: [] }));
  const intruder = await listenAsNobody('SOCK_STREAM', [socket]);
  const env = {
    LAYERS_ANSIBLE_CONNECTION: place,
    ANSIBLE_CONNECTION_PLUGINS: path.resolve(import.meta.dirname, '../../tool/ansible/connection_plugins'),
    ANSIBLE_LOCAL_TEMP: folder,
    PYTHONDONTWRITEBYTECODE: '1',
  };
  const argv = ['all', '-i', 'host,', '-c', 'layers', '-m', 'raw', '-a', 'id'];
  const { tail } = await createExec({ env: process.env })('ansible', argv, { env, accept: [4] });
  expect(tail.join('\n')).toContain("what answers in the container's place is another user's");
  expect(await intruder.end()).toBe('');
});

test('more than pipes hold, both ways at once', async () => {
  const { code, stdout } = await run('cat', megabytes(24));
  expect(code).toBe(0);
  expect(stdout.length).toBe(24 << 20);
});

test('input that nobody reads is no error', async () => {
  expect(await run('exec <&-; echo done', megabytes(4))).toMatchObject({ code: 0 });
});

test('a command that closed its output is waited for', async () => {
  const file = path.join(folder, 'later');
  expect(await run(`exec >&- 2>&-; sleep 0.2; echo late > ${file}; exit 3`)).toMatchObject({ code: 3 });
  expect(existsSync(file)).toBe(true);
});

test('many at a time', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => run(`echo ${index}; exit ${index}`)));
  expect(answers.map(({ code }) => code)).toEqual(Array.from({ length: 40 }, (_, index) => index));
});

test('who goes away ends the command and its group', async () => {
  const request = ask('run', ['sleep 100 & echo $$ $!; wait'], null);
  const pids = await new Promise<number[]>((resolve) => {
    request.socket.on('data', (data: Buffer) => resolve(data.subarray(5).toString().trim().split(' ').map(Number)));
  });
  expect(pids.map(runs)).toEqual([true, true]);
  request.socket.destroy();
  for (const pid of pids) await gone(pid);
});

test('files go in and out byte by byte, by umask', async () => {
  const file = path.join(folder, 'file with \u{1F9C5} and newline\n');
  const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
  expect(await ask('put', [file, String(content.length)], content).answer).toMatchObject({ code: 0 });
  expect((await readFile(file)).equals(content)).toBe(true);
  expect((await stat(file)).mode & 0o777).toBe(0o666 & ~process.umask());
  const { code, stdout } = await ask('fetch', [file]).answer;
  expect(code).toBe(0);
  expect(stdout.equals(content)).toBe(true);
});

test.each([
  ['put', ['/no/such/folder/x', '4194304'], megabytes(4), 'No such file or directory'],
  ['fetch', ['/no/such/file'], '', 'No such file or directory'],
  ['fetch', ['/dev'], '', 'not a regular file'],
])('a %s that cannot be is refused in words: %s', async (verb, words, data, refusal) => {
  expect((await ask(verb, words, data).answer).refusal).toBe(refusal);
});

test('a user that the image does not have', async () => {
  const request = new AgentRequest(session, ['run', 'no-such-user', 'id']);
  expect((await request.answer).refusal).toBe('the image has no user no-such-user');
});

test('without the token nobody is answered', async () => {
  const file = path.join(folder, 'intruder');
  const request = new AgentRequest({ ...session, token: 'guessed' }, ['run', 'root', `touch ${file}`]);
  const { code, refusal } = await request.answer;
  expect([code, refusal]).toEqual([undefined, undefined]);
  expect(existsSync(file)).toBe(false);
});

test('the file with the token is for its owner only', async () => {
  expect((await stat(agent.file)).mode & 0o777).toBe(0o600);
});

test('closing ends the agent, and what still runs by it', async () => {
  const own = await agentHere(folder);
  const at = await own.state('ready');
  const detached = new AgentRequest(at, ['run', 'root', 'setsid sleep 100 >/dev/null 2>&1 & echo $!']);
  const left = Number((await detached.answer).stdout);
  const running = new AgentRequest(at, ['run', 'root', 'echo $$; sleep 100']);
  while (running.socket.bytesRead === 0) await sleep(10);
  await own.connection.close();
  expect(await running.answer).toMatchObject({ stdout: expect.anything() });
  expect((await running.answer).code).toBeUndefined();
  await gone(Number((await running.answer).stdout));
  await gone(left);
  expect(existsSync(own.file)).toBe(false);
});

test('an agent that is killed ends its commands, and it is said why', async () => {
  const own = await agentHere(folder);
  const at = await own.state('ready');
  const { stdout } = await new AgentRequest(at, ['run', 'root', "cut -d' ' -f4 /proc/$PPID/stat"]).answer;
  const running = new AgentRequest(at, ['run', 'root', 'echo $$; sleep 100']);
  while (running.socket.bytesRead === 0) await sleep(10);
  process.kill(Number(stdout), 'SIGKILL');
  const answer = await running.answer;
  expect(answer.code).toBeUndefined();
  await gone(Number(answer.stdout));
  expect((await own.state('ended')).reason).toBe('signal SIGKILL');
  await own.connection.close();
});

test.each([96, 127])('an image that gets a Python on the way (%i before)', async (code) => {
  const own = await agentHere(folder, code);
  await own.state('none');
  own.has.code = undefined;
  own.connection.renew();
  const { stdout } = await new AgentRequest(await own.state('ready'), ['run', 'root', 'echo here']).answer;
  expect(stdout.toString()).toBe('here\n');
  await own.connection.close();
});

test('what the agent is made of needs nothing that a small Python lacks', async () => {
  const folder = path.resolve(import.meta.dirname, '../../tool/ansible/agent');
  // layers_modules.py runs in the interpreter that Ansible asked for.
  const files = ['layers_agent.py', 'layers_child.py', 'layers_interpreters.py'];
  const sources = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')));
  const imports = [...sources.join('').matchAll(/^\s*import (\w+)$/gm)].map(([, name]) => name);
  expect(imports.toSorted()).toEqual(['errno', 'os', 'pwd', 'select', 'signal', 'socket', 'stat', 'struct', 'time']);
});

test('a place that cannot be written to fails who closes, and nobody else', async () => {
  const place = await mkdtemp(path.join(os.tmpdir(), 'layers-agent-'));
  const { connection } = await agentHere(place);
  await rm(place, { recursive: true });
  await sleep(500);
  await expect(connection.close()).rejects.toThrow('ENOENT');
});
