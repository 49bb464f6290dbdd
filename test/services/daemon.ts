import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server that runs for tests, ended by its own id. */
export interface Daemon {
  readonly pid: number;
  end(): Promise<void>;
}

/** Ends with the process that started it, however that ends (`setpriv --pdeathsig`), so that none is ever left behind. */
export function startDaemon(argv: readonly string[], log: string, env: Record<string, string> = {}): Daemon {
  const output = openSync(log, 'a');
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...argv], {
    stdio: ['ignore', output, output],
    env: { ...process.env, ...env },
    detached: true,
  });
  closeSync(output);
  child.on('error', () => undefined);
  return { pid: child.pid ?? -1, end: () => end(child) };
}

/** Asks until it answers; throws with the end of its log when the process ends first or nothing comes in time. */
export async function untilAnswers(
  url: string,
  log: string,
  daemons: readonly Daemon[],
  seconds: number,
): Promise<void> {
  for (const until = Date.now() + seconds * 1000; Date.now() < until; await sleep(100)) {
    const answers = await fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
      () => true,
      () => false,
    );
    if (answers) return;
    if (daemons.some(({ pid }) => !isAlive(pid))) break;
  }
  throw new Error(`${url} does not answer: ${readFileSync(log, 'utf8').slice(-1500)}`);
}

/** A run of free ports on loopback: the first, and `count - 1` after it. */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)));
    if (free.every(Boolean)) return first;
  }
  throw new Error(`no ${count} free ports in a row`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  const free = await once(server, 'listening').then(
    () => true,
    () => false,
  );
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return free;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(timer);
}
