import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import { DEFAULT_SETTINGS } from '../config/gather-layers.ts';
import type { TreeSettings } from '../config/layer.ts';
import { sweepDeadRuns } from '../run/sweep-dead-runs.ts';
import { createExec } from '../system/exec.ts';
import { tryLock } from '../system/lock.ts';
import type { CommandContext } from './command.ts';

export interface LoneState {
  /** Locks and logs of this layer file alone. Absolute, and there. */
  readonly folder: string;
  readonly settings: TreeSettings;
  /** Takes away what killed runs of other files left; gives a line about each. */
  sweep(): Promise<string[]>;
  /** Whether no other run that knows this state is at work now. */
  isAlone(): boolean;
}

/**
 * The state of `image-build`, outside of every tree: `$XDG_STATE_HOME/layers/image-build`, else a folder of the user's below TMPDIR. A
 * folder a layer file, so that two files are built side by side and one file never twice at a time; downloaded packages are
 * shared. Throws InvalidInput where nothing can be written.
 */
export async function openLoneState(config: string, context: CommandContext): Promise<LoneState> {
  const base = baseFolder(context.env);
  const folder = join(base, keyOf(resolve(context.cwd, config)));
  try {
    mkdirSync(join(base, 'packages'), { recursive: true, mode: 0o700 });
    refuseForeign(base);
    mkdirSync(join(folder, 'cache'), { recursive: true });
    const packages = join(folder, 'cache/packages');
    if (!existsSync(packages)) symlinkSync('../../packages', packages);
  } catch (error) {
    if (error instanceof InvalidInput || (error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    throw new InvalidInput(`${base} cannot be written to: ${(error as Error).message}`, {
      hint: 'set XDG_STATE_HOME or TMPDIR to a folder for logs and locks',
      cause: error,
    });
  }
  const all = () => readdirSync(base).filter((name) => existsSync(join(base, name, 'locks')));
  return {
    folder,
    settings: DEFAULT_SETTINGS,
    async sweep() {
      const exec = createExec({ env: context.env, signal: context.signal });
      const lines: string[] = [];
      for (const name of all()) lines.push(...(await sweepDeadRuns(join(base, name), exec)));
      return lines;
    },
    isAlone: () => all().every((name) => !isBusy(join(base, name, 'locks/runs'))),
  };
}

function baseFolder({ XDG_STATE_HOME, TMPDIR, _CONTAINERS_ROOTLESS_UID }: CommandContext['env']): string {
  if (XDG_STATE_HOME?.startsWith('/')) return join(XDG_STATE_HOME, 'layers/image-build');
  // In the user namespace of a plain user everybody is 0.
  const uid = _CONTAINERS_ROOTLESS_UID || process.geteuid?.() || 0;
  return join(TMPDIR?.startsWith('/') ? TMPDIR : tmpdir(), `layers-image-build-${uid}`);
}

/** In a folder that all may write to, somebody else may have made ours before us. */
function refuseForeign(base: string): void {
  const stat = lstatSync(base);
  if (stat.isDirectory() && stat.uid === process.geteuid?.() && (stat.mode & 0o022) === 0) return;
  throw new InvalidInput(`${base} is not this user's own folder, or others may write to it`, {
    hint: 'remove it, or set XDG_STATE_HOME to a folder of your own',
  });
}

/** A pipe is told apart by its name, which is different each time or does not matter. */
function keyOf(config: string): string {
  let path = config;
  try {
    path = realpathSync(config);
  } catch {
    // A pipe of a process that is gone.
  }
  return createHash('sha256').update(path).digest('hex').slice(0, 16);
}

function isBusy(folder: string): boolean {
  if (!existsSync(folder)) return false;
  return readdirSync(folder).some((name) => {
    const lock = tryLock(join(folder, name), { host: '', pid: 0, runId: '' });
    lock?.release();
    return lock === undefined;
  });
}
