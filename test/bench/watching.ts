import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { LAYERS } from './places.ts';

export type WatchEvent = Readonly<Record<string, unknown>>;

/** `layers watch --output json` under way. */
export interface Watching extends AsyncDisposable {
  readonly pid: number;
  /** The next event that `wanted` takes, and the milliseconds of `performance` at which it came; those before are dropped. */
  next(wanted: (event: WatchEvent) => boolean): Promise<{ readonly event: WatchEvent; readonly at: number }>;
}

export function startWatch(
  root: string,
  env: Readonly<Record<string, string | undefined>>,
  args: readonly string[] = [],
): Watching {
  const child = spawn(LAYERS, ['watch', ...args, '--output', 'json'], {
    cwd: root,
    env: env as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const events = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  return {
    pid: child.pid ?? 0,
    async next(wanted) {
      for (;;) {
        const { value, done } = await events.next();
        if (done === true) throw new Error('the watch ended before what was waited for');
        const event = JSON.parse(value) as WatchEvent;
        if (wanted(event)) return { event, at: performance.now() };
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

export const isOf =
  (type: string) =>
  (event: WatchEvent): boolean =>
    event.type === type;
