import { existsSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import path from 'node:path';
import { CommandFailure, type Exec } from './command.ts';

/** No question to a healthy machine takes that long; a storage that hangs on a dead network file system does. */
const LIMIT_MS = 20_000;

/** How to ask a program for its version, where it is not `--version`. */
const VERSION_ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  mksquashfs: ['-version'],
  unsquashfs: ['-version'],
};

/** The version that `program` says it has; undefined where it is absent or says none. */
export async function programVersion(exec: Exec, program: string): Promise<string | undefined> {
  const args = VERSION_ARGUMENTS[program] ?? ['--version'];
  try {
    const { stdout, tail } = await exec(program, args, { quiet: true, totalMs: LIMIT_MS, accept: [0, 1] });
    const text = stdout || tail.join('\n');
    // fuse-overlayfs names its libraries first.
    const own = text.split('\n').find((line) => line.startsWith(program)) ?? text;
    return /\d+(?:\.\d+)+[\w.+~-]*/.exec(own)?.[0];
  } catch (error) {
    if (error instanceof CommandFailure) return undefined;
    throw error;
  }
}

export interface ContainerStorage {
  readonly driver: string;
  readonly graphRoot: string;
}

/** Where buildah keeps images. Throws CommandFailure when it cannot tell. */
export async function containerStorage(exec: Exec): Promise<ContainerStorage> {
  const { stdout } = await exec('buildah', ['info'], { quiet: true, totalMs: LIMIT_MS });
  const { store } = JSON.parse(stdout) as { store: { GraphDriverName: string; GraphRoot: string } };
  return { driver: store.GraphDriverName, graphRoot: store.GraphRoot };
}

export interface FreeSpace {
  readonly free: number;
  readonly total: number;
}

/** Bytes an ordinary user may still write to the file system of `folder`, which need not exist yet. */
export async function freeSpace(folder: string): Promise<FreeSpace> {
  let there = path.resolve(folder);
  while (!existsSync(there)) there = path.dirname(there);
  const { bavail, blocks, bsize } = await statfs(there);
  return { free: bavail * bsize, total: blocks * bsize };
}

/** `Debian GNU/Linux 12 (bookworm)`, as the machine calls itself. */
export async function distributionName(file = '/etc/os-release'): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return /^PRETTY_NAME="?(.*?)"?$/m.exec(text)?.[1] ?? 'an unknown distribution';
}

/** Whether `file` has file capabilities, by which some distributions let newuidmap do its work. */
export async function hasFileCapability(exec: Exec, file: string): Promise<boolean> {
  try {
    await exec('getfattr', ['--absolute-names', '--name=security.capability', '--', file], {
      quiet: true,
      totalMs: LIMIT_MS,
    });
    return true;
  } catch (error) {
    if (error instanceof CommandFailure) return false;
    throw error;
  }
}
