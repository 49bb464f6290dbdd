import { randomUUID } from 'node:crypto';
import { execa, type Options } from 'execa';
import { Call } from './call.ts';
import type { Exec } from './command.ts';
import { cleanEnvironment } from './environment.ts';
import { registriesConfWords } from './registries-conf-file.ts';

export interface ExecSettings {
  /** Usually `process.env`; children get what `cleanEnvironment` lets through. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Each line of each child that is not `quiet`, secrets replaced. Must not throw. */
  readonly log?: (line: string, stream: 'stdout' | 'stderr') => void;
  readonly signal?: AbortSignal;
  /** Open files that children inherit: a lock held by the kernel stays until the last orphan ends. */
  readonly lockFds?: readonly number[];
  /** Called when a child has ended; times as of `performance.now()`. */
  readonly onChild?: (interval: { readonly start: number; readonly end: number }) => void;
  /** Between SIGTERM and SIGKILL. Default 5 s. */
  readonly graceMs?: number;
  /** Of the children, instead of this process's own. */
  readonly umask?: number;
}

/**
 * Makes the one door through which programs are started. Every child leads a process group and session of its own and
 * carries `LAYERS_EXEC_ID`. On abort and time-out, and when the program ends but left processes behind, all that
 * descends from it is ended, whether or not it left the group.
 */
export function createExec(settings: ExecSettings): Exec {
  const base = cleanEnvironment(settings.env);
  return async (file, words, options = {}) => {
    const mark = { name: 'LAYERS_EXEC_ID', value: randomUUID() };
    const env = { ...base, ...options.env, [mark.name]: mark.value };
    const args = [...registriesConfWords(file, env), ...words];
    const shown = [file, ...(options.relay?.shown ?? args)];
    const call = new Call(settings, shown, options, `${mark.name}=${mark.value}`);
    if (settings.signal?.aborted) throw call.failure('cancelled');
    const spawnOptions = {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)),
      extendEnv: false,
      // The fourth is the lifeline of `Call`.
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe', 'pipe', ...(settings.lockFds ?? [])],
      detached: true,
      cleanup: false,
      // Output is read as it comes: execa's own buffer would end the child at 100 MB.
      buffer: false,
      reject: false,
      verbose: 'none',
    } as Options;
    return call.run(withUmask(settings.umask, () => execa(file, args, spawnOptions)));
  };
}

/** A child inherits it in the moment it is started, which is before the call returns. */
function withUmask<T>(umask: number | undefined, start: () => T): T {
  if (umask === undefined) return start();
  const own = process.umask(umask);
  try {
    return start();
  } finally {
    process.umask(own);
  }
}
