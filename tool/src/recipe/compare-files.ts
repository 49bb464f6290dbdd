import type { FileChange } from './change.ts';
import { namesOfBoth } from './names-of-both.ts';
import type { Recipe } from './recipe.ts';

type Files = Recipe['files'];

/** Value of a path that was looked for and is not there (`inputs/`). */
const ABSENT = 'absent';
/** Values of paths that were only looked for: their content does not count. */
const KINDS: ReadonlySet<string> = new Set([ABSENT, 'file', 'folder']);
const NAMES = 'names:';

/** How what two recipes read differs, by name. */
export function compareFiles(before: Files, now: Files): FileChange[] {
  return namesOfBoth(before, now).flatMap((file) => {
    const [old, fresh] = [before[file], now[file]];
    if (old === fresh) return [];
    if (old === undefined) return [{ code: fresh === ABSENT ? 'file-looked-for' : 'file-added', file }];
    if (fresh === undefined) return [{ code: old === ABSENT ? 'file-unheeded' : 'file-removed', file }];
    return [changeOf(file, old, fresh)];
  });
}

function changeOf(file: string, old: string, fresh: string): FileChange {
  if (old === ABSENT) return { code: 'file-appeared', file };
  if (fresh === ABSENT) return { code: 'file-gone', file };
  if (old.startsWith(NAMES) && fresh.startsWith(NAMES)) return { code: 'file-names', file };
  if (KINDS.has(old) && KINDS.has(fresh)) return { code: 'file-kind', file, now: fresh };
  return { code: 'file-changed', file };
}
