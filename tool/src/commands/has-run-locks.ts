import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Whether runs are going on or were killed: a look at one folder, which a null build can afford. */
export function hasRunLocks(stateDir: string): boolean {
  try {
    return readdirSync(join(stateDir, 'locks', 'runs')).length > 0;
  } catch {
    return false;
  }
}
