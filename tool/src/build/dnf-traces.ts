import { rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { resolveInRoot } from '../system/in-root.ts';
import type { Workspace } from '../system/workspace.ts';
import type { BuildTarget } from './builder.ts';
import { statInRoot } from './root-files.ts';

const HISTORY = 'var/lib/dnf/history.sqlite';
/** dnf needs Python, so the host has it. VACUUM, as a changed row's old text stays in the file. */
const SCRUB = `
import sqlite3, sys
file, place, words = sys.argv[1:]
database = sqlite3.connect(file, isolation_level=None)
database.execute('UPDATE trans SET cmdline = ? WHERE instr(cmdline, ?)', (words, place))
database.execute('VACUUM')
database.execute('PRAGMA wal_checkpoint(TRUNCATE)')
database.close()
`;

/** Folders above `place` that the image does not have yet, innermost first. */
export async function absentAbove(mountPoint: string, place: string): Promise<string[]> {
  const absent: string[] = [];
  for (let folder = path.dirname(place); folder !== '/'; folder = path.dirname(folder)) {
    if ((await resolveInRoot(mountPoint, folder)) === undefined) absent.push(folder);
  }
  return absent;
}

/**
 * Takes out of the image what the host's dnf left of the builder: its command line in the history (`words` stay instead), and
 * what it wrote by the host's paths of log and cache while rpm was in the root, below `place`. `created`: the folders above,
 * if no package has them by now.
 */
export async function removeTraces(
  { mountPoint }: BuildTarget,
  workspace: Workspace,
  traces: {
    readonly place: string;
    readonly created: readonly string[];
    readonly words: string;
    readonly database: string;
  },
): Promise<void> {
  const { place, created, words, database } = traces;
  if ((await statInRoot(mountPoint, HISTORY))?.isFile()) {
    const file = path.join(mountPoint, HISTORY);
    await workspace.exec('python3', ['-c', SCRUB, file, workspace.temporary, words], { quiet: true });
  }
  const inside = await resolveInRoot(mountPoint, place);
  if (inside !== undefined) await rm(inside, { recursive: true });
  for (const folder of created) {
    const found = await resolveInRoot(mountPoint, folder);
    if (found === undefined) continue;
    const query = ['--root', mountPoint, '--dbpath', database, '-q', '--file', '--', folder];
    const { exitCode } = await workspace.exec('rpm', query, { quiet: true, accept: [0, 1] });
    // Not empty: something else is in it.
    if (exitCode !== 0) await rmdir(found).catch(() => undefined);
  }
}
