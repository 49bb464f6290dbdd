import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Git } from './git.ts';

/**
 * Writes a commit's files below `folder`, which must be empty, with an index beside them, so that modes count as git has them.
 * Leaves the repository as it is. Gives the root of the tree in there. Submodules stay empty.
 * @param paths only these files and folders, relative to the tree's root; default all of the repository
 */
export async function extractCommit(
  git: Git,
  commit: string,
  folder: string,
  paths?: readonly string[],
): Promise<string> {
  const gitFolder = join(folder, '.git');
  mkdirSync(gitFolder);
  const format = (await git.run(['rev-parse', '--show-object-format'])).trim();
  writeFileSync(join(gitFolder, 'config'), `[extensions]\n\tobjectformat = ${format}\n`);
  const env = { GIT_INDEX_FILE: join(gitFolder, 'index') };
  await git.run(['read-tree', commit], { env });
  const all = await git.run(['ls-files', '-z', '--cached'], { env });
  const isWanted = (name: string) => paths === undefined || paths.some((path) => isBelow(name, join(git.prefix, path)));
  const wanted = all.split('\0').filter((name) => name !== '' && isWanted(name));
  const input = wanted.map((name) => `${name}\0`).join('');
  await git.run(['checkout-index', '--force', '--quiet', '-z', '--stdin', `--prefix=${folder}/`], { env, input });
  const root = join(folder, git.prefix);
  mkdirSync(root, { recursive: true });
  return root;
}

function isBelow(name: string, path: string): boolean {
  return path === '.' || name === path || name.startsWith(`${path}/`);
}
