import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import { SETTINGS_FILE } from '../config/gather-layers.ts';
import { isFlatFolder } from './flat-folder.ts';

/**
 * The root of the tree: `root` from the command line, else the nearest folder from `cwd` upwards that holds layers.yaml or layers/, else
 * `cwd` where image-build's layer files lie right in it. Absolute. Throws InvalidInput when there is none.
 */
export function findRoot(cwd: string, root?: string): string {
  if (root !== undefined) {
    const folder = resolve(cwd, root);
    if (isRoot(folder) || isFlatFolder(folder)) return folder;
    throw new InvalidInput(`${root} is no tree of layers: it holds neither layers.yaml nor layers/ nor layer files`);
  }
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    if (isRoot(folder)) return folder;
    if (folder === dirname(folder)) break;
  }
  if (isFlatFolder(cwd)) return resolve(cwd);
  throw new InvalidInput('there is no tree of layers here: no folder upwards holds layers.yaml or layers/', {
    hint: 'change into one, or name it with --root DIR',
  });
}

/** Whether the folder is one by itself, not by the layer files that happen to lie in it. */
export function isRoot(folder: string): boolean {
  const file = statSync(join(folder, SETTINGS_FILE), { throwIfNoEntry: false });
  return file?.isFile() === true || statSync(join(folder, 'layers'), { throwIfNoEntry: false })?.isDirectory() === true;
}
