import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Diagnostic } from '../config/diagnostic.ts';
import { findRoot } from './find-root.ts';

/** Texts for code frames, by the file names of the diagnostics. What cannot be read is left out; never throws. */
export function readSources(diagnostics: readonly Diagnostic[], folder: string): Map<string, string> {
  const places = new Set([folder, treeAbove(folder)]);
  const sources = new Map<string, string>();
  for (const { file } of diagnostics) {
    if (sources.has(file)) continue;
    const text = [...places].map((place) => read(resolve(place, file))).find((one) => one !== undefined);
    if (text !== undefined) sources.set(file, text);
  }
  return sources;
}

/** Files are named from the root of the tree, which may lie above. */
function treeAbove(folder: string): string {
  try {
    return findRoot(folder);
  } catch {
    return folder;
  }
}

function read(path: string): string | undefined {
  try {
    // Opening a FIFO would wait for ever.
    return statSync(path).isFile() ? readFileSync(path, 'utf8') : undefined;
  } catch {
    return undefined;
  }
}
