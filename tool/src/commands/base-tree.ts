import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Git } from '../system/git.ts';
import { extractCommit } from '../system/git-extract.ts';
import type { CommandContext } from './command.ts';
import { type LoadedTree, loadTree } from './load-tree.ts';

/** The tree as a commit has it, in a temporary folder. Dispose it. */
export interface BaseTree extends Disposable, LoadedTree {}

/**
 * Writes a commit's tree to a temporary folder and loads it.
 * @param paths only these, relative to the root; default all
 * @throws InvalidInput where the tree of that commit has problems
 */
export async function openBaseTree(
  git: Git,
  commit: string,
  {
    temporary,
    paths,
    env,
  }: {
    readonly temporary: string;
    readonly paths?: readonly string[];
    readonly env: CommandContext['env'];
  },
): Promise<BaseTree> {
  const folder = mkdtempSync(join(temporary, 'layers-base-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const tree = join(folder, 'tree');
    mkdirSync(tree);
    const root = await extractCommit(git, commit, tree, paths);
    const loaded = await loadTree({ root, state: join(folder, 'state'), cwd: root, env });
    return { ...loaded, [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    throw error;
  }
}
