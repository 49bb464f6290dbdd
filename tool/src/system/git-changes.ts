import { join } from 'node:path';
import type { Git } from './git.ts';

/** Paths are relative to the tree's root, absolute where they lie outside of it. One that ends with `/` stands for all below it. */
export interface GitChanges {
  /** Other than in the commit: edited, added, deleted, untracked; a renamed file by both names. */
  readonly changed: ReadonlySet<string>;
  /** Those of `changed` that are not in the work tree now, or by another name. */
  readonly gone: ReadonlySet<string>;
  /** What git ignores is in no commit, so that nobody knows whether it changed. */
  readonly ignored: ReadonlySet<string>;
}

/** How the work tree differs from a commit. Throws CommandFailure. */
export async function changesSince(git: Git, commit: string): Promise<GitChanges> {
  const diff = ['diff', '-z', '--name-only', '--no-renames', '--no-relative', '--no-ext-diff', '--no-textconv'];
  const others = ['ls-files', '-z', '--others', '--exclude-standard'];
  const [tracked, staged, deleted, untracked, ignored] = await Promise.all([
    // A submodule is changed also by what is only in its own work tree.
    git.run([...diff, '--ignore-submodules=none', commit, '--']),
    // A mode that the index has counts, whatever the file on disk has.
    git.run([...diff, '--cached', '--ignore-submodules=all', commit, '--']),
    git.run([...diff, '--diff-filter=D', '--ignore-submodules=all', commit, '--']),
    git.run(others),
    git.run([...others, '--ignored', '--directory']),
  ]);
  const place = (names: string) => new Set(names.split('\0').flatMap((name) => placeOf(git, name)));
  return { changed: place([tracked, staged, untracked].join('\0')), gone: place(deleted), ignored: place(ignored) };
}

function placeOf({ top, prefix }: Git, name: string): string[] {
  if (name === '') return [];
  // Bytes that are no UTF-8 were replaced on the way: the folder stands for what is in it.
  const damaged = name.indexOf('\ufffd');
  const known = damaged === -1 ? name : name.slice(0, name.lastIndexOf('/', damaged) + 1);
  if (prefix === '') return [known];
  return [known.startsWith(`${prefix}/`) ? known.slice(prefix.length + 1) : join(top, known)];
}
