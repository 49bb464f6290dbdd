import path from 'node:path';
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

/** dnf keeps its command line in the image: ours names folders of the builder. What was asked for stays there. */
export async function scrubHistory({ mountPoint }: BuildTarget, workspace: Workspace, words: string): Promise<void> {
  if (!(await statInRoot(mountPoint, HISTORY))?.isFile()) return;
  const file = path.join(mountPoint, HISTORY);
  await workspace.exec('python3', ['-c', SCRUB, file, workspace.temporary, words], { quiet: true });
}
