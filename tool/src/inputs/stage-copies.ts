import { chmod, copyFile, cp, mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import { type CopiedEntry, copiedEntries, resolveSource, setsMode } from './copyfiles.ts';
import type { Digester } from './digest-file.ts';
import { isPattern } from './source-glob.ts';

/**
 * Copies of those `copyfiles` sources whose modes on disk are not the ones that count: a checkout under another umask must give the same
 * image. Gives `src` → absolute path of the copy, below `folder`; sources that can be copied as they are are absent.
 */
export async function stageCopies(
  layer: Layer,
  places: { readonly root: string; readonly digester: Digester },
  folder: string,
): Promise<ReadonlyMap<string, string>> {
  const staged = new Map<string, string>();
  for (const [index, copyfile] of layer.copyfiles.entries()) {
    if (setsMode(copyfile) || isPattern(copyfile.src) || staged.has(copyfile.src)) continue;
    const entries = copiedEntries(places.root, layer.file, copyfile, places.digester);
    if (entries.every(isAsOnDisk)) continue;
    const source = resolveSource(places.root, layer.file, copyfile.src);
    const [only] = entries;
    const target = path.join(folder, `${index}`, path.basename(source));
    await mkdir(path.dirname(target), { recursive: true });
    if (entries.length === 1 && only?.path === source && only.kind === 'file') await copyFile(source, target);
    else await cp(source, target, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
    for (const entry of entries) {
      const place = path.join(target, path.relative(source, entry.path.toString()));
      if (!isAsOnDisk(entry)) await chmod(place, entry.mode);
    }
    staged.set(copyfile.src, target);
  }
  return staged;
}

function isAsOnDisk(entry: CopiedEntry): boolean {
  return entry.kind === 'link' || entry.mode === entry.diskMode;
}
