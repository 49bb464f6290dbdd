import { existsSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isSettled } from '../inputs/file-state.ts';
import type { Seen } from '../system/looks.ts';
import { isThere, NOTHING, type PathState, stateOfItself, stateOfTarget } from '../system/path-state.ts';
import { type AtRest, pack } from './at-rest.ts';

/** From how many names in a folder on a look at the folder is cheaper than looks at the names. */
const MANY = 4;

type Looked = Pick<AtRest, 'targets' | 'selves' | 'there' | 'absent' | 'real'>;

/**
 * The looks that have to get the same answers again, fewer where some prove others: nothing can come or go in a folder without a
 * trace on the folder. A text: what was changed so recently that a further change might not show.
 * @param seen from a build that decided
 * @param options.without folder whose content decides nothing; absolute
 * @param options.behind how far the file system's clock is behind the system's, in ms
 */
export function looksToRepeat(
  seen: Seen,
  options: { readonly without: string; readonly behind: number },
): Looked | string {
  const settledAt = seen.started - options.behind;
  const isCache = (path: string) => path === options.without || path.startsWith(`${options.without}/`);
  const targets = new Map<string, PathState>();
  const selves = new Map<string, PathState>();
  const names = new Map<string, boolean>();
  const missing = (path: string, otherwise: Map<string, PathState>) => {
    const first = firstMissing(path);
    if (isNothing(stateOfItself(first))) names.set(first, false);
    // A link to nothing, which may become a link to something.
    else otherwise.set(path, NOTHING);
  };
  const states = [[seen.targets, targets] as const, [seen.selves, selves] as const];
  for (const [from, to] of states) {
    for (const [path, state] of from) {
      if (isCache(path)) continue;
      if (isNothing(state)) missing(path, to);
      else to.set(path, state);
    }
  }
  for (const [path, is] of seen.there) {
    if (isCache(path)) continue;
    if (targets.has(path)) {
      if (!is) return `${path} appeared meanwhile`;
    } else if (is) names.set(path, true);
    else missing(path, targets);
  }
  const unsettled = [...targets, ...selves].find(([, state]) => !isSettled(state, settledAt));
  if (unsettled !== undefined) return `${unsettled[0]} was changed just now`;
  for (const [folder, inIt] of byFolder(names)) {
    const known = targets.get(folder);
    if (known === undefined && inIt.length < MANY) continue;
    const state = known ?? stateOfTarget(folder);
    if (!isThere(state) || !isSettled(state, settledAt)) continue;
    const proven = inIt.filter((path) => isAsBefore(path, names.get(path) === true));
    if (known === undefined && proven.length < MANY) continue;
    targets.set(folder, state);
    for (const path of proven) names.delete(path);
  }
  const named = [...names];
  return {
    targets: pack(targets),
    selves: pack(selves),
    there: named.filter(([, is]) => is).map(([path]) => path),
    absent: named.filter(([, is]) => !is).map(([path]) => path),
    real: Object.fromEntries([...seen.real].filter(([path]) => !isCache(path))),
  };
}

/** Not synced: whatever is left of it after a power loss is no whole file, or the right one. Throws what the file system throws. */
export function writeAtRest(file: string, atRest: AtRest): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = join(dirname(file), `.at-rest-${process.pid}.tmp`);
  try {
    writeFileSync(temporary, JSON.stringify(atRest), { mode: 0o600, flag: 'wx' });
    // Over another file it would wait for the disk.
    rmSync(file, { force: true });
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

function isNothing(state: PathState): boolean {
  return state.every((number) => number === 0);
}

/** While this is absent, so is `path`: it stands for all that a program looks for in a folder that is not there. */
function firstMissing(path: string): string {
  let missing = path;
  for (let above = dirname(path); above !== missing && !existsSync(above); above = dirname(above)) missing = above;
  return missing;
}

function byFolder(names: ReadonlyMap<string, boolean>): Map<string, string[]> {
  const folders = new Map<string, string[]>();
  for (const path of names.keys()) {
    const folder = dirname(path);
    const inIt = folders.get(folder);
    if (inIt === undefined) folders.set(folder, [path]);
    else inIt.push(path);
  }
  return folders;
}

/** And cannot become otherwise without a trace on its folder, as a link could whose target goes. */
function isAsBefore(path: string, was: boolean): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats === undefined ? !was : was && !stats.isSymbolicLink();
}
