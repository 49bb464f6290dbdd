import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Layer } from '../config/layer.ts';
import type { Reads } from '../graph/affected.ts';
import { optionsOf } from '../inputs/copyfiles.ts';
import { isPattern } from '../inputs/source-glob.ts';
import type { InputSet } from '../recipe/input-set.ts';

/** What is known of a layer besides its file. */
interface Known {
  /** Names that its playbooks may read, by a static reading. */
  readonly mayRead: readonly string[];
  /** What its last run depended on. */
  readonly inputSet?: InputSet;
  /** What the members of the set were then. */
  readonly files?: Readonly<Record<string, string>>;
}

/**
 * All that a layer may read, by name: also what is not there (any more), as it may have been there before. Sources count with all below
 * them; a link counts for itself and for what it leads to.
 * @param root absolute
 */
export function readsOf(layer: Layer, root: string, { mayRead, inputSet, files = {} }: Known): Reads {
  const sources = sourcesOf(layer).flatMap((source) => placesOf(layer, root, source));
  // That a folder is there is all that counts of one that was only looked for.
  const probed = (inputSet?.probed ?? []).filter(
    (name) => files[name] !== 'folder' || !isFolder(path.resolve(root, name)),
  );
  const names = new Set([...sources, ...mayRead, ...(inputSet?.read ?? []), ...probed]);
  // It decides what of them counts.
  if (names.size > 0) names.add('.layersignore');
  return { names: withTargets(names, root), listed: withTargets(new Set(inputSet?.listed ?? []), root) };
}

function sourcesOf({ copyfiles, repos, exclusive_repos, options }: Layer): string[] {
  const copied = copyfiles.flatMap(({ src, opts }) => {
    const { from, contextdir, ignorefile } = optionsOf(opts);
    if (from !== undefined || /^https?:\/\//.test(src)) return [];
    const source = contextdir === undefined ? src : path.join(contextdir, src);
    return [source, ...(ignorefile === undefined ? [] : [ignorefile])];
  });
  const keys = [...repos, ...exclusive_repos].flatMap(({ gpg = '' }) => {
    if (gpg === '') return [];
    if (gpg.startsWith('file:///')) return [fileURLToPath(gpg)];
    return /^[a-z]+:\/\//i.test(gpg) ? [] : [gpg];
  });
  if (options.layer_type !== 'ansible') return [...copied, ...keys];
  return [...copied, ...keys, ...options.playbooks, ...options.inventory.filter((one) => !one.includes(','))];
}

/** Below the root and beside the layer file: which of them it is depends on what is there, and that may have changed. */
function placesOf(layer: Layer, root: string, source: string): string[] {
  const places = path.isAbsolute(source)
    ? [source]
    : [path.join(root, source), path.join(path.resolve(root, path.dirname(layer.file)), source)];
  return places.map((place) => nameIn(root, isPattern(place) ? fixedFolder(place) : path.normalize(place)));
}

/** The folder of a pattern that holds all that it can match. */
function fixedFolder(pattern: string): string {
  const parts = pattern.split('/');
  const first = parts.findIndex(isPattern);
  return `${parts.slice(0, first).join('/')}/`;
}

function nameIn(root: string, place: string): string {
  if (place.replace(/\/$/, '') === root) return './';
  return place.startsWith(`${root}/`) ? place.slice(root.length + 1) : place;
}

function withTargets(names: ReadonlySet<string>, root: string): Set<string> {
  const real = realpathSync(root);
  const all = new Set(names);
  for (const name of names) {
    // Symbolic names have no place in the tree.
    const target = targetOf(path.resolve(root, name));
    if (target === undefined) continue;
    const known = nameIn(real, target);
    all.add(name.endsWith('/') && !known.endsWith('/') ? `${known}/` : known);
  }
  return all;
}

function targetOf(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

function isFolder(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
}
