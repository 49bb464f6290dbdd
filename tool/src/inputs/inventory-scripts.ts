import { closeSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import { isLeftOutOfInventory } from './ansible-folders.ts';
import { nameOf, resolveSource } from './copyfiles.ts';
import type { NamedFile } from './named-file.ts';
import { readNames } from './names.ts';
import { oncePerTurn } from './once-per-turn.ts';

interface Script extends NamedFile {
  readonly path: string;
}

/** Inventories of the layer that are programs: executable, and with `#!` or machine code at their start. */
export function inventoryScripts(layer: Layer, root: string): readonly Script[] {
  const given = layer.options.inventory.filter((one) => !one.includes(','));
  return scriptsIn(JSON.stringify([root, ...given.map((one) => resolveSource(root, layer.file, one))]));
}

/** Key: the root and the inventories, as JSON. */
const scriptsIn = oncePerTurn((key: string): readonly Script[] => {
  const [root = '', ...given] = JSON.parse(key) as string[];
  const pending = given.reverse();
  const scripts: Script[] = [];
  const seen = new Set<number>();
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    const stats = statOf(file);
    if (stats?.isDirectory() && !seen.has(stats.ino)) {
      seen.add(stats.ino);
      for (const name of readNames(file)) {
        // Variables beside the sources are no sources.
        if (typeof name !== 'string' || isLeftOutOfInventory(name) || /^(group|host)_vars$/.test(name)) continue;
        pending.push(path.join(file, name));
      }
    } else if (stats?.isFile() && (stats.mode & 0o111) !== 0 && isProgram(file)) {
      scripts.push({ name: nameOf(root, file), path: file });
    }
  }
  return scripts.sort((a, b) => (a.name < b.name ? -1 : 1));
});

function isProgram(file: string): boolean {
  try {
    const descriptor = openSync(file, 'r');
    try {
      const start = Buffer.alloc(4);
      readSync(descriptor, start);
      return start.toString('latin1', 0, 2) === '#!' || start.toString('latin1') === '\x7fELF';
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return false;
  }
}

function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
