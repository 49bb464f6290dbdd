import { chmodSync, copyFileSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import { type CopiedEntry, type CopiedSource, copiedSources, hasContext, setsMode } from './copyfiles.ts';
import type { Digester } from './digest-file.ts';
import { layersIgnore } from './layers-ignore.ts';
import { type DiskPath, joinPath } from './names.ts';

/**
 * Copies of those `copyfiles` sources that hold what is not copied, or whose modes on disk are not the ones that count: a checkout under
 * another umask must give the same image. Gives `src` → path or pattern of the copy, below `folder`; sources that can be copied as they are are absent.
 */
export async function stageCopies(
  layer: Layer,
  places: { readonly root: string; readonly digester: Digester },
  folder: string,
): Promise<ReadonlyMap<string, string>> {
  const staged = new Map<string, string>();
  const copying = { digester: places.digester, isIgnored: await layersIgnore(places.root) };
  for (const [index, copyfile] of layer.copyfiles.entries()) {
    // With a context folder, buildah looks for the source there and nowhere else; the result is by `src`, for all its entries.
    const isInContext = layer.copyfiles.some((one) => one.src === copyfile.src && hasContext(one));
    if (isInContext || staged.has(copyfile.src)) continue;
    const sources = copiedSources(places.root, layer.file, copyfile, copying);
    const isAsItIs = setsMode(copyfile) || sources.every((source) => source.entries.every(isAsOnDisk));
    if (isAsItIs && !sources.some((source) => source.isPartial)) continue;
    const top = path.join(folder, `${index}`);
    // What an earlier attempt left there would be copied too.
    rmSync(top, { recursive: true, force: true });
    for (const [at, source] of sources.entries()) stage(source, path.join(top, `${at}`.padStart(6, '0')));
    const [only] = sources;
    const isOne = sources.length === 1 && only !== undefined;
    // A pattern's matches keep their order and, by a folder each, their names.
    staged.set(copyfile.src, isOne ? path.join(top, '000000', path.basename(only.path)) : `${top}/*/*`);
  }
  return staged;
}

function isAsOnDisk(entry: CopiedEntry): boolean {
  return entry.kind === 'link' || entry.mode === entry.diskMode;
}

function stage({ path: source, entries }: CopiedSource, folder: string): void {
  const target = path.join(folder, path.basename(source));
  const isFile = entries.length === 1 && entries[0]?.path === source;
  mkdirSync(isFile ? folder : target, { recursive: true });
  for (const entry of entries) {
    const place = isFile ? target : below(target, source, entry.path);
    if (entry.kind === 'folder') mkdirSync(place);
    else if (entry.kind === 'link') symlinkSync(readlinkSync(entry.path, 'buffer'), place);
    else copyFileSync(entry.path, place);
  }
  // Last, and from below: a folder may not be writable. By the umask or not, each gets the mode that counts.
  for (const entry of entries.toReversed()) {
    if (entry.kind !== 'link') chmodSync(isFile ? target : below(target, source, entry.path), entry.mode);
  }
}

/** Where `file`, which lies below `source`, lies below `target`; by bytes, as names may be no UTF-8. */
function below(target: string, source: string, file: DiskPath): DiskPath {
  const start = Buffer.byteLength(source) + 1;
  return typeof file === 'string'
    ? joinPath(target, file.slice(source.length + 1))
    : joinPath(target, file.subarray(start));
}
