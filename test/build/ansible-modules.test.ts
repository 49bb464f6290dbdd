import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createExec } from '../../tool/src/system/exec.ts';
import { listProcesses } from '../../tool/src/system/processes.ts';
import { listenAsNobody } from '../helpers/abstract-intruder.ts';
import { AgentRequest, agentHere, type Session } from '../helpers/agent-client.ts';

const PYTHON = '/usr/bin/python3';
let folder: string;
let agent: Awaited<ReturnType<typeof agentHere>>;
let session: Session;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-modules-'));
  agent = await agentHere(folder);
  session = await agent.state('ready');
});
afterAll(async () => {
  await agent.connection.close();
  await rm(folder, { recursive: true });
});

const commandOf = (python: string, before = '') => `/bin/sh -c '${before}${python} && sleep 0'`;
const ask = (program: string, python = PYTHON, before = '') =>
  new AgentRequest(session, ['module', 'root', commandOf(python, before), python], program);
const run = (program: string, python = PYTHON, before = '') =>
  new AgentRequest(session, ['run', 'root', commandOf(python, before)], program).answer;
const runs = (pid: number) => listProcesses().some((entry) => entry.pid === pid);

/** An interpreter that is a script. */
async function script(name: string, ...lines: readonly string[]): Promise<string> {
  const file = path.join(folder, name);
  await writeFile(file, `#!/bin/sh\n${lines.join('\n')}\n`);
  await chmod(file, 0o755);
  return file;
}

/** Says which interpreter it runs in. */
const ABOVE =
  'import os\nout = lambda pid: int(open("/proc/%d/stat" % pid).read().split()[3])\nprint(out(out(os.getsid(0))))';
/** Ends that one. */
const KILL_ABOVE =
  'import os, signal\nout = lambda pid: int(open("/proc/%d/stat" % pid).read().split()[3])\nos.kill(out(out(os.getsid(0))), signal.SIGKILL); print("killed")';

const LOOK_AROUND = `
import sys
loaded = set(sys.modules)
seen = dict(globals=sorted(globals()), file=__file__, name=__name__, argv=sys.argv, path=sys.path, flags=repr(sys.flags),
            executable=sys.executable, bytecode=sys.dont_write_bytecode, input=sys.stdin.read())
import gc, json, locale, os, signal, threading, time, warnings
def status(*names):
    return [line for line in open("/proc/self/status").read().splitlines() if line.startswith(names)]
seen.update(
    environment=dict(os.environ), cwd=os.getcwd(), umask=os.umask(0o22), user=[os.getuid(), os.getgid(), os.getgroups()],
    files=sorted(os.listdir("/proc/self/fd")), status=status("SigI", "SigC", "SigB", "Shd", "NoNew", "Seccomp", "Cpus", "Threads"),
    handlers=[repr(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE, signal.SIGTERM)],
    leads=[os.getsid(0) == os.getpid(), os.getpgid(0) == os.getsid(0), os.getppid() == os.getsid(0)],
    command=open("/proc/self/cmdline").read(), program=os.readlink("/proc/self/exe"), zone=time.tzname,
    streams=[[one.encoding, one.errors, one.line_buffering, one.isatty(), one.fileno()] for one in (sys.stdin, sys.stdout, sys.stderr)],
    locale=locale.setlocale(locale.LC_CTYPE), threads=threading.active_count(), gc=gc.isenabled(), filters=len(warnings.filters),
    platform=sys.modules["platform"]._uname_cache if "platform" in sys.modules else None, limit=sys.getrecursionlimit(),
    children=open("/proc/self/task/%d/children" % os.getpid()).read(),
)
print(json.dumps([sorted(loaded), seen]))
`;

describe.skipIf(process.getuid?.() !== 0)('modules', () => {
  test.each(['', 'TOLD="a b" '])('see what they would see in an interpreter of their own: %s', async (before) => {
    const look = async (answer: Promise<{ readonly stdout: Buffer; readonly stderr: Buffer }>) => {
      const { stdout, stderr } = await answer;
      expect(stderr.toString()).toBe('');
      return JSON.parse(stdout.toString()) as [string[], { leads: boolean[]; environment: Record<string, string> }];
    };
    const [loaded, seen] = await look(run(LOOK_AROUND, PYTHON, before));
    for (let count = 0; count < 2; count += 1) {
      const [more, here] = await look(ask(LOOK_AROUND, PYTHON, before).answer);
      expect(here).toEqual({ ...seen, leads: here.leads });
      expect(more).toEqual(expect.arrayContaining([...loaded, 'zipfile']));
      expect(more.filter((name) => name.includes('layers'))).toEqual([]);
    }
    expect(seen.environment.TOLD).toBe(before === '' ? undefined : 'a b');
    expect(seen.leads[0]).toBe(false);
  });

  test.each([
    ['bytes', 'import os; os.write(1, b"\\xff\\x00o"); os.write(2, b"\\xfee")', 0],
    ['an exit code', 'import atexit, sys; atexit.register(print, "atexit"); print("text"); sys.exit(3)', 3],
    ['an exit in words', 'raise SystemExit("words")', 1],
    ['an exit without an end', 'import os; print("lost"); os._exit(4)', 4],
    ['an error', 'def f():\n    raise ValueError("x")\ntry:\n    f()\nexcept ValueError:\n    f()\n', 1],
    ['an error in its first line', 'raise KeyError(1)', 1],
    ['an error in its grammar', 'x = (1,\n', 1],
    [
      'a thread that is waited for',
      'import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.2), print("late"))).start()',
      0,
    ],
    ['a signal', 'import os; os.kill(os.getpid(), 9)', 137],
    ['a signal for its group', 'import os, time; os.kill(0, 15); time.sleep(10)', 143],
    ['a closed output', 'import os, time; os.close(1); os.close(2); time.sleep(0.2); os._exit(5)', 5],
  ])('end as they would end there: %s', async (_, program, code) => {
    const theirs = await run(program);
    expect(await ask(program).answer).toEqual(theirs);
    expect(theirs.code).toBe(code);
  });

  test('run beside each other, and what they leave goes on', async () => {
    const program = (index: number) =>
      `import os, sys, time\nif os.fork() == 0:\n    os.setsid()\n    os.dup2(os.open("/dev/null", os.O_RDWR), 1); os.dup2(1, 2)\n    time.sleep(100)\nprint(os.getpid()); time.sleep(0.2); sys.exit(${index})`;
    const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => ask(program(index)).answer));
    expect(answers.map(({ code }) => code)).toEqual(Array.from({ length: 12 }, (_, index) => index));
    const left = () => listProcesses().filter(({ pid }) => pids.has(pid));
    const { stdout } = await run('import os; print(*[p for p in os.listdir("/proc") if p.isdigit()])');
    const pids = new Set<number>();
    for (const one of stdout.toString().trim().split(' ')) {
      const words = await readFile(`/proc/${one}/stat`, 'latin1').catch(() => '');
      const [, , , , , own] = words.split(' ');
      if (own === one && (await readFile(`/proc/${one}/cmdline`, 'latin1').catch(() => '')) === `${PYTHON}\0`)
        pids.add(Number(one));
    }
    expect(left().length).toBeGreaterThanOrEqual(12);
  });

  test('end with who asked, and with all that they started', async () => {
    const request = ask(
      'import subprocess, os\nprint(os.getpid(), subprocess.Popen(["sleep", "100"]).pid, flush=True)\nimport time; time.sleep(100)',
    );
    const pids = await new Promise<number[]>((resolve) => {
      request.socket.on('data', (data: Buffer) => resolve(data.subarray(5).toString().trim().split(' ').map(Number)));
    });
    expect(pids.map(runs)).toEqual([true, true]);
    request.socket.destroy();
    while (pids.some(runs)) await sleep(10);
  });

  test('of libraries that are compiled once, and each at its own place', async () => {
    const source =
      'def where():\n    return where.__code__.co_filename, __file__\n\ndef fail():\n    raise ValueError(__name__)\n';
    const pack = `import base64, io, sys, zipfile\nfile = io.BytesIO()\nwith zipfile.ZipFile(file, "w") as z:\n    for name in ("one.py", "same.py"): z.writestr(name, ${JSON.stringify(source)})\n    z.writestr("filler", ${JSON.stringify('x'.repeat(2000))})\nprint(base64.b64encode(file.getvalue()).decode())`;
    const { stdout } = await createExec({ env: process.env })(PYTHON, ['-c', pack], { collect: true });
    const program = (name: string) =>
      `import base64, sys\nZIPDATA = """${stdout.trim()}"""\nopen(${JSON.stringify(path.join(folder, name))}, "wb").write(base64.b64decode(ZIPDATA))\nsys.path.insert(0, ${JSON.stringify(path.join(folder, name))})\nimport one, same\nprint(one.where(), same.where())\none.fail()`;
    for (const name of ['a.zip', 'b.zip', 'b.zip'])
      expect(await ask(program(name)).answer).toEqual(await run(program(name)));
  });

  test('an interpreter that changed is started again', async () => {
    const python = await script('changing', 'export TOLD=before', `exec ${PYTHON} "$@"`);
    const told = async () => (await ask('import os; print(os.environ["TOLD"])', python).answer).stdout.toString();
    expect(await told()).toBe('before\n');
    await script('changing', 'export TOLD=afterwards', `exec ${PYTHON} "$@"`);
    expect(await told()).toBe('afterwards\n');
  });

  test.each([
    ['that says something', 'echo hello >&2', `exec ${PYTHON} "$@"`],
    ['that is none', 'cat > /dev/null'],
    ['that is waited for', `${PYTHON} "$@"`, 'exit $?'],
    ['whose library is not compiled', 'export PYTHONPYCACHEPREFIX="$0.cache"', `exec ${PYTHON} "$@"`],
    ['that fails', 'exit 1'],
  ])('an interpreter %s is tried once, and leaves nothing', async (title, ...lines) => {
    const name = title.replaceAll(' ', '-');
    const python = await script(name, 'echo >> "$0.started"', ...lines);
    for (let count = 0; count < 3; count += 1) {
      expect(await ask('print(1)', python).answer).toMatchObject({ isDeclined: true });
    }
    expect(await readFile(`${python}.started`, 'utf8')).toBe('\n');
    // What Python itself loads when it starts it writes itself.
    const written = await readdir(folder, { recursive: true });
    expect(written.filter((one) => one.startsWith(name) && /zipfile|json/.test(one))).toEqual([]);
  });

  test('variables are in no arguments while an interpreter waits', async () => {
    const own = await agentHere(folder);
    const at = await own.state('ready');
    const fields = ['module', 'root', commandOf(PYTHON, 'TOLD=in-confidence '), PYTHON];
    expect(await new AgentRequest(at, fields).answer).toMatchObject({ code: 0 });
    for (const { pid } of listProcesses()) {
      const words = () => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      while ((await words()).includes('TOLD=in-confidence')) await sleep(10);
    }
    const seen = await new AgentRequest(at, fields, 'import os; print(os.environ["TOLD"])').answer;
    expect(seen.stdout.toString()).toBe('in-confidence\n');
    await own.connection.close();
  });

  test('of more sets of variables than there are interpreters leave the first ones theirs', async () => {
    const own = await agentHere(folder);
    const at = await own.state('ready');
    const interpreterFor = async (index: number) => {
      const fields = ['module', 'root', commandOf(PYTHON, `TOLD=${index} `), PYTHON];
      const { stdout, isDeclined } = await new AgentRequest(at, fields, ABOVE).answer;
      return isDeclined ? 'none' : stdout.toString();
    };
    const all = Array.from({ length: 10 }, (_, index) => index);
    const first: string[] = [];
    for (const index of all) first.push(await interpreterFor(index));
    expect(new Set(first.slice(0, 8)).size).toBe(8);
    expect(first.slice(7).map((one) => one === 'none')).toEqual([false, true, true]);
    for (const index of all) expect(await interpreterFor(index)).toBe(first[index]);
    await own.connection.close();
  });

  test('that bring an archive which cannot be read go on, and so does their interpreter', async () => {
    const make =
      'import base64, io, os, zipfile\nfile = io.BytesIO()\nwith zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as z: z.writestr("one.py", os.urandom(9000))\ndata = bytearray(file.getvalue()); data[36:60] = b"\\xff" * 24\nprint(base64.b64encode(data).decode())';
    const { stdout } = await createExec({ env: process.env })(PYTHON, ['-c', make], { collect: true });
    expect(stdout.length).toBeGreaterThan(1000);
    const program = `ZIPDATA = """${stdout.trim()}"""\n${ABOVE}`;
    const interpreter = (await ask(ABOVE).answer).stdout.toString();
    expect((await ask(program).answer).stdout.toString()).toBe(interpreter);
  });

  test('a time zone and a locale are those of now', async () => {
    const own = await agentHere(folder);
    const at = await own.state('ready');
    const [zone, locales] = [path.join(folder, 'zone'), path.join(folder, 'locales')];
    await mkdir(locales);
    const command = commandOf(PYTHON, `TZ=:${zone} LOCPATH=${locales} LC_ALL=xx_XX.UTF-8 `);
    const look =
      'import locale, time\ntry: print(time.tzname, locale.setlocale(locale.LC_CTYPE, ""))\nexcept locale.Error: print(time.tzname, "none")';
    const seen = async () => {
      const [ours, theirs] = [
        new AgentRequest(at, ['module', 'root', command, PYTHON], look),
        new AgentRequest(at, ['run', 'root', command], look),
      ];
      expect(await ours.answer).toEqual(await theirs.answer);
      return (await theirs.answer).stdout.toString();
    };
    // As time zones are written without a table of their changes.
    const write = (name: string, seconds: number) => {
      const head = (size: number) =>
        Buffer.concat([
          Buffer.from('TZif2'),
          Buffer.alloc(15),
          Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, size]),
        ]);
      const type = Buffer.alloc(6);
      type.writeInt32BE(seconds);
      const body = Buffer.concat([head(name.length + 1), type, Buffer.from(`${name}\0`)]);
      return writeFile(zone, Buffer.concat([body, body, Buffer.from(`\n${name}${-seconds / 3600}\n`)]));
    };
    await write('AAA', 3600);
    expect(await seen()).toContain("('AAA', 'AAA') none");
    await write('BBB', 7200);
    expect(await seen()).toContain("('BBB', 'BBB') none");
    await cp('/usr/lib/locale/C.utf8', path.join(locales, 'xx_XX.utf8'), { recursive: true });
    expect(await seen()).toContain("('BBB', 'BBB') xx_XX.UTF-8");
    await own.connection.close();
  });

  test('an interpreter that was killed is started again', async () => {
    expect(await ask(KILL_ABOVE).answer).toMatchObject({ code: 0 });
    expect((await ask('print("here")').answer).stdout.toString()).toBe('here\n');
  });

  test("another user who listens in an interpreter's place is told nothing", async () => {
    const own = await agentHere(folder);
    const at = await own.state('ready');
    const module = (program: string) =>
      new AgentRequest(at, ['module', 'root', commandOf(PYTHON), PYTHON], program).answer;
    expect(await module('')).toMatchObject({ code: 0 });
    const numbered = Array.from({ length: 8 }, (_, index) => `${at.socket}-${index}`);
    const seen = (await readFile('/proc/net/unix', 'latin1')).matchAll(
      new RegExp(` 00010000 .*@(${at.socket}-.*)`, 'g'),
    );
    const listening = [...seen].map(([, name]) => name!);
    expect(listening).toHaveLength(1);
    const names = [...new Set([...listening, ...numbered])];
    expect(await module(KILL_ABOVE)).toMatchObject({ code: 0 });
    while ((await readFile('/proc/net/unix', 'latin1')).includes(listening[0]!)) await sleep(10);
    const intruder = await listenAsNobody('SOCK_SEQPACKET', names);
    expect(await module('print(1)')).toMatchObject({ isDeclined: true });
    expect(await intruder.end()).toBe('');
    await own.connection.close();
  });

  test('end with their agent, and so does their interpreter', async () => {
    const own = await agentHere(folder);
    const at = await own.state('ready');
    const { stdout } = await new AgentRequest(at, ['run', 'root', "cut -d' ' -f4 /proc/$PPID/stat"]).answer;
    const program =
      'import os, time\nabove = lambda pid: int(open("/proc/%d/stat" % pid).read().split()[3])\nprint(os.getpid(), above(above(os.getsid(0))), flush=True); time.sleep(100)';
    const request = new AgentRequest(at, ['module', 'root', commandOf(PYTHON), PYTHON], program);
    while (request.socket.bytesRead === 0) await sleep(10);
    process.kill(Number(stdout), 'SIGKILL');
    const answer = await request.answer;
    expect(answer.code).toBeUndefined();
    const pids = answer.stdout.toString().trim().split(' ').map(Number);
    expect(pids).toHaveLength(2);
    while (pids.some(runs)) await sleep(10);
    await own.connection.close();
  });

  test('of another user, or of a command that is too long, are run as any command', async () => {
    const other = new AgentRequest(session, ['module', 'nobody', commandOf(PYTHON), PYTHON], 'print(1)');
    expect(await other.answer).toMatchObject({ isDeclined: true });
    expect(await ask('print(1)', PYTHON, `A=${'x'.repeat(1 << 17)} `).answer).toMatchObject({ isDeclined: true });
  });
});
