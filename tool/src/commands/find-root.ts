import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import { SETTINGS_FILE } from '../config/gather-layers.ts';
import { isFlatFolder } from './flat-folder.ts';

const FOLDER = 'layers';

/**
 * The root of the tree: `root` from the command line, else the nearest folder from `cwd` upwards that holds layers.yaml or layers/, else
 * `cwd` where image-build's layer files lie right in it. Absolute. Throws InvalidInput when there is none.
 */
export function findRoot(cwd: string, root?: string): string {
  if (root !== undefined) {
    const folder = resolve(cwd, root);
    if (isRoot(folder) || isFlatFolder(folder)) return folder;
    throw new InvalidInput(
      `${root} is no tree of layers: it holds neither layers.yaml nor layers/ nor layer files`,
      apartHint(folder),
    );
  }
  const looked: string[] = [];
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (isRoot(folder)) return folder;
    looked.push(folder);
    if (folder === dirname(folder)) break;
  }
  if (isFlatFolder(cwd)) return resolve(cwd);
  throw new InvalidInput('there is no tree of layers here: no folder upwards holds layers.yaml or layers/', {
    hint: 'change into one, or name it with --root DIR',
    // A clone beside a folder above is hardly what is looked for in here.
    ...[apartHint(resolve(cwd)), ...looked.map(remainsHint)].find(({ hint }) => hint !== undefined),
  });
}

/** Whether the folder is one by itself, not by the layer files that happen to lie in it. */
export function isRoot(folder: string): boolean {
  return isFile(join(folder, SETTINGS_FILE)) || (isFolder(join(folder, FOLDER)) && !isApart(join(folder, FOLDER)));
}

/**
 * How `findRoot` came to a root that is neither where the user stands nor named, or that nothing but the name of a folder makes one; undefined
 * where there is nothing to wonder about.
 */
export function whyRoot(root: string, cwd: string, named: string | undefined): string | undefined {
  if (named !== undefined) return undefined;
  const isSettled = isFile(join(root, SETTINGS_FILE));
  if (root === resolve(cwd) && (isSettled || !isRoot(root))) return undefined;
  const where = root === resolve(cwd) ? 'this folder' : 'the nearest folder upwards that';
  const holds = isSettled ? SETTINGS_FILE : `${FOLDER}/`;
  return `the tree is ${root}: ${where} holds ${holds}; --root DIR names another`;
}

/**
 * Whether a folder is a tree or the clone of a project by itself, which may be called `layers` as any may. A submodule belongs to what it is
 * part of.
 */
export function isApart(folder: string): boolean {
  if (isFile(join(folder, SETTINGS_FILE))) return true;
  const git = join(folder, '.git');
  return isFolder(git) || (isFile(git) && /\/worktrees\//.test(readFileSync(git, 'utf8')));
}

function apartHint(folder: string): { hint?: string } {
  const inner = join(folder, FOLDER);
  if (!isFolder(inner) || !isApart(inner) || !(isRoot(inner) || isFlatFolder(inner))) return {};
  return { hint: `${inner} is a tree or a repository of its own: change into it, or name it with --root` };
}

/** Of a tree whose folder of layer files was moved away. */
function remainsHint(folder: string): { hint?: string } {
  const remains = ['.layers/records', 'layers.lock'].find((name) => existsSync(join(folder, name)));
  if (remains === undefined) return {};
  return { hint: `${folder} was a tree: it holds ${remains}, and ${FOLDER}/ is missing` };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
