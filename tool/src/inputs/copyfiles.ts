import { existsSync } from 'node:fs';
import path from 'node:path';
import type { CopyFile } from '../config/schema.ts';
import { isLeftOutOfCopies } from './ansible-folders.ts';
import type { Digester, Entry } from './digest-file.ts';
import { InputFailure } from './input-failure.ts';
import type { IsIgnored } from './layers-ignore.ts';
import { type DiskPath, joinPath, printable, readNames } from './names.ts';
import { expandPattern, isPattern } from './source-glob.ts';

/** A file, link or folder that a layer copies. */
export interface CopiedEntry extends Entry {
  /** Relative to the root, or what the layer file says where that is absolute. */
  readonly name: string;
  readonly path: DiskPath;
}

/**
 * Where a path of a layer file is: below the root, else beside the layer file. Absolute paths stay. A path that is in neither
 * place is given below the root. Patterns are looked for as they are expanded later.
 * @param root absolute
 * @param layerFile relative to the root, or absolute
 */
export function resolveSource(root: string, layerFile: string, source: string): string {
  if (path.isAbsolute(source)) return source;
  const below = path.join(root, source);
  const beside = path.join(path.resolve(root, path.dirname(layerFile)), source);
  return !isThere(below) && isThere(beside) ? beside : below;
}

function isThere(file: string): boolean {
  return existsSync(file) || (isPattern(file) && expandPattern(file).length > 0);
}

/** What a name in records is for an absolute path: relative inside the tree, which may lie elsewhere tomorrow. */
export function nameOf(root: string, file: DiskPath): string {
  const shown = printable(file);
  return shown.startsWith(`${root}/`) ? shown.slice(root.length + 1) : shown;
}

/** What looking at sources takes. */
export interface Copying {
  readonly digester: Digester;
  /** By `.layersignore`. */
  readonly isIgnored: IsIgnored;
}

/** One existing path that a `copyfiles` entry stands for, and what is copied of it. */
export interface CopiedSource {
  /** Absolute. */
  readonly path: string;
  readonly entries: readonly CopiedEntry[];
  /** Whether the folder holds more, which is neither copied nor counts. */
  readonly isPartial: boolean;
}

/**
 * All that one `copyfiles` entry copies, as buildah does: a source that is a link is followed, links further down are copied as
 * links, a folder gives its content without `.git`, what editors leave and what `.layersignore` names. Throws InputFailure for what is missing or cannot be copied.
 */
export function copiedSources(
  root: string,
  layerFile: string,
  copyfile: CopyFile,
  { digester, isIgnored }: Copying,
): CopiedSource[] {
  const options = optionsOf(copyfile.opts);
  // Out of another image, or from a server: there is nothing here to look at.
  if (options.from !== undefined || /^https?:\/\//.test(copyfile.src)) return [];
  const context = options.contextdir === undefined ? undefined : resolveSource(root, layerFile, options.contextdir);
  const source =
    context === undefined ? resolveSource(root, layerFile, copyfile.src) : path.join(context, copyfile.src);
  const sources = !existsSync(source) && isPattern(source) ? expandPattern(source) : [source];
  if (sources.length === 0) throw new InputFailure('missing', `nothing matches ${copyfile.src}`);
  // With a context folder buildah takes all that its own ignore file does not name.
  const leavesOut = (name: string) =>
    context === undefined && (isLeftOutOfCopies(path.basename(name)) || isIgnored(name));
  return sources.map((one) => ({ path: one, ...entriesOf(root, one, digester, leavesOut) }));
}

/** What `--ignorefile` names: it decides what is copied. */
export function ignoreFiles(root: string, layerFile: string, copyfile: CopyFile): string[] {
  const { ignorefile } = optionsOf(copyfile.opts);
  return ignorefile === undefined ? [] : [resolveSource(root, layerFile, ignorefile)];
}

function entriesOf(
  root: string,
  source: string,
  digester: Digester,
  leavesOut: (name: string) => boolean,
): Pick<CopiedSource, 'entries' | 'isPartial'> {
  const top = digester.look(source, true);
  if (top.kind !== 'folder')
    return { entries: [{ ...top, name: nameOf(root, source), path: source }], isPartial: false };
  const entries: CopiedEntry[] = [];
  let isPartial = false;
  // The folder itself is not copied, only what is in it.
  const folders: DiskPath[] = [source];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of readNames(folder)) {
      const file = joinPath(folder, name);
      const own = nameOf(root, file);
      // Asked before the look: what is left out may be large, or no file at all.
      const entry = leavesOut(own) ? undefined : digester.look(file);
      const isFolder = entry?.kind === 'folder';
      if (entry === undefined || (isFolder && leavesOut(`${own}/`))) {
        isPartial = true;
        continue;
      }
      entries.push({ ...entry, name: own + (isFolder ? '/' : ''), path: file });
      if (isFolder) folders.push(file);
    }
  }
  return { entries, isPartial };
}

/** Values of `--name value` and `--name=value`. */
export function optionsOf(words: readonly string[]): Readonly<Partial<Record<string, string>>> {
  const options: Record<string, string> = {};
  words.forEach((word, at) => {
    const [, name, value] = /^--([a-z]+)(?:=(.*))?$/s.exec(word) ?? [];
    if (name !== undefined) options[name] = value ?? words[at + 1] ?? '';
  });
  return options;
}

/** Whether the copy's mode is decided by the layer file, so that the source's does not matter. */
export function setsMode(copyfile: CopyFile): boolean {
  return optionsOf(copyfile.opts).chmod !== undefined;
}

/** Whether the source is looked for in a folder that the options name. */
export function hasContext(copyfile: CopyFile): boolean {
  return optionsOf(copyfile.opts).contextdir !== undefined;
}
