import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import { resolveSource } from './copyfiles.ts';

/** What a requirements file of Ansible needs of this machine. Absolute paths. */
export interface RequirementFiles {
  /** The file itself, and archives of collections that it names: all that decides what is installed from here. */
  readonly files: readonly string[];
  /** Folders that it names. */
  readonly folders: readonly string[];
}

/**
 * By the words of its text, since a null build asks for them and must not load a YAML parser. ansible-galaxy takes relative paths
 * from where it runs, which is the root. Empty without `ansible_requirements`; a file that cannot be read is in the list, as others tell it.
 */
export function requirementFiles(layer: Layer, root: string): RequirementFiles {
  const { ansible_requirements: named, layer_type } = layer.options;
  if (named === '' || layer_type !== 'ansible') return { files: [], folders: [] };
  const file = resolveSource(root, layer.file, named);
  const text = textOf(file).replaceAll(/^\s*#.*$/gm, '');
  const paths = [...text.matchAll(/[^\s'"[\]{},]*[/.][^\s'"[\]{},]+/g)]
    .map(([word]) => word)
    .filter((word) => !word.includes('://'))
    .map((word) => path.resolve(root, word));
  const kindOf = (one: string) => statSync(one, { throwIfNoEntry: false });
  return {
    files: [...new Set([file, ...paths.filter((one) => kindOf(one)?.isFile())])],
    folders: paths.filter((one) => kindOf(one)?.isDirectory()),
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
