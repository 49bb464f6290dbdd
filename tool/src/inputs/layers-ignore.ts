import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type FileState, sameState, stateOf } from './file-state.ts';

/** Whether a name (relative to the root, `/` after a folder's) is excluded by `.layersignore`. What lies outside the tree never is. */
export type IsIgnored = (name: string) => boolean;

const NOTHING: IsIgnored = () => false;
let last: { readonly file: string; readonly state: FileState; readonly isIgnored: IsIgnored } | undefined;

/** Patterns of `.layersignore` at the root, in git's syntax; nothing is loaded where there is none. */
export async function layersIgnore(root: string): Promise<IsIgnored> {
  const file = path.join(root, '.layersignore');
  const state = stateOf(file);
  if (state[1] === 0) return NOTHING;
  if (last?.file === file && sameState(last.state, state)) return last.isIgnored;
  const { default: ignore } = await import('ignore');
  const patterns = ignore().add(readFileSync(file, 'utf8'));
  const isIgnored: IsIgnored = (name) => ignore.isPathValid(name) && patterns.ignores(name);
  last = { file, state, isIgnored };
  return isIgnored;
}
