import { type BigIntStats, lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { Diagnostic } from '../config/diagnostic.ts';

/** Thousands of files, none of them ours. Hidden folders are left out as well, `.git` among them. */
const NODE_MODULES = 'node_modules';

/** A layer file before it is read. */
export interface LayerFileEntry {
  /** Relative to the root, with `/`. */
  readonly path: string;
  /** What the stat says that changes when the content does. */
  readonly stat: string;
  /** The later of modification and change, in ns. */
  readonly changedNs: bigint;
  readonly size: number;
}

/**
 * Every `*.yaml` and `*.yml` below a folder of the tree, by path; hidden ones are left out. Links to files are followed
 * where they stay in the tree, links to folders never.
 * @param folder relative to the root
 * @param isApart whether a folder below it (absolute) is something else, which is said
 */
export function listLayerFiles(
  root: string,
  folder: string,
  isApart: (path: string) => boolean = () => false,
): { files: LayerFileEntry[]; diagnostics: Diagnostic[] } {
  const files: LayerFileEntry[] = [];
  const diagnostics: Diagnostic[] = [];
  const open = [folder];
  const skip = (path: string, why: string) => {
    diagnostics.push({ severity: 'warning', code: 'skipped-file', message: `Left out: ${why}`, file: path });
  };
  for (let here = open.pop(); here !== undefined; here = open.pop()) {
    for (const entry of entriesOf(root, here, diagnostics)) {
      if (entry.name.startsWith('.') || entry.name === NODE_MODULES) continue;
      const path = `${here}/${entry.name}`;
      const isLayer = /\.ya?ml$/.test(entry.name);
      if (entry.isDirectory() && isApart(join(root, path))) skip(path, 'a tree or a repository of its own');
      else if (entry.isDirectory()) open.push(path);
      else if (!isLayer && !entry.isSymbolicLink()) continue;
      else if (entry.isFile()) files.push(entryOf(path, lstatSync(join(root, path), { bigint: true })));
      else if (!entry.isSymbolicLink()) skip(path, 'not a regular file');
      else {
        const target = statSync(join(root, path), { bigint: true, throwIfNoEntry: false });
        if (target?.isDirectory() === true) skip(path, 'links to folders are not followed');
        else if (!isLayer) continue;
        else if (target === undefined) skip(path, 'the link leads nowhere');
        else if (!target.isFile()) skip(path, 'not a regular file');
        else if (!isInside(root, path)) skip(path, 'the link leads out of the tree');
        else files.push(entryOf(path, target));
      }
    }
  }
  files.sort((one, other) => (one.path < other.path ? -1 : 1));
  return { files, diagnostics };
}

function entriesOf(root: string, folder: string, diagnostics: Diagnostic[]) {
  try {
    return readdirSync(join(root, folder), { withFileTypes: true });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const message =
      code === 'ENOENT'
        ? `There is no folder \`${folder}\`, where layer files should be`
        : `The folder cannot be read (${code})`;
    diagnostics.push({ severity: 'error', code: 'unreadable-folder', message, file: folder });
    return [];
  }
}

function entryOf(path: string, stat: BigIntStats): LayerFileEntry {
  return {
    path,
    stat: `${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}:${stat.ino}`,
    // biome-ignore lint/complexity/useMathMinMax: Math.max takes no bigint
    changedNs: stat.mtimeNs > stat.ctimeNs ? stat.mtimeNs : stat.ctimeNs,
    size: Number(stat.size),
  };
}

function isInside(root: string, path: string): boolean {
  return realpathSync(join(root, path)).startsWith(realpathSync(root) + sep);
}
