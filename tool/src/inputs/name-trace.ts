import { lstatSync } from 'node:fs';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import type { InputSet } from '../recipe/input-set.ts';
import type { InputPlaces } from './layer-inputs.ts';
import { isFolderOfPrograms, isIdleProbe } from './machine-paths.ts';
import { fromPrintable } from './names.ts';
import { type SetNames, setNames } from './set-names.ts';

/** Absolute paths, as `printable` shows them (`build/builder.ts`, AnsibleTrace). */
export interface TracedPaths {
  readonly read: readonly string[];
  readonly probed: readonly string[];
  readonly listed: readonly string[];
  readonly seen: {
    readonly there: readonly string[];
    readonly absent: readonly string[];
    readonly names: readonly (readonly [folder: string, entries: readonly string[]])[];
    readonly own: readonly string[];
  };
}

/**
 * The input set of one run of Ansible. A path that was read counts by its content, so that it is in no other list; one that was
 * listed is there only so. `temporary`: the run's own folder, which is no input.
 */
export async function inputSetOf(
  layer: Layer,
  trace: Omit<TracedPaths, 'seen'> & { readonly seen?: Pick<TracedPaths['seen'], 'own'> },
  places: InputPlaces & { readonly temporary: string },
): Promise<InputSet> {
  const names = await setNames(layer, places, places.temporary);
  const links = new Set<string>();
  const named = (paths: readonly string[]): string[] => {
    return paths.map((one) => names.nameOf(withoutUpwards(one, links))).filter((name) => name !== undefined);
  };
  const read = new Set(named(trace.read.map(sourceOf)));
  const programs = programFolders(trace.read);
  const counts = (name: string) => !read.has(name) && !isFolderOfPrograms(name);
  const listed = new Set(named(trace.listed.filter((one) => !programs.has(one))).filter(counts));
  const isOfPrograms = (file: string) =>
    [...programs].some((one) => file.startsWith(`${one}/`) || `${one}/`.startsWith(`${file}/`));
  const asked = trace.probed.filter((one) => !isCompiled(one) && !isOfPrograms(one));
  // A log, a folder for temporary files: there after the first run, and not on a fresh machine.
  const made = new Set(named(trace.seen?.own ?? []).filter(isOutside));
  const probes = [...named(asked.filter((one) => !`${places.temporary}/`.startsWith(`${one}/`))), ...named([...links])];
  const temporaries = places.env.TMPDIR === undefined ? undefined : `${places.env.TMPDIR}/`;
  const isIdle = (name: string) =>
    isIdleProbe(name) || made.has(name) || (temporaries !== undefined && name.startsWith(temporaries));
  const counted = probes.filter((name) => name !== '.' && !read.has(name) && !listed.has(name) && !isIdle(name));
  return {
    version: 2,
    read: [...read].filter((name) => name !== '.').sort(),
    probed: withoutAncestors([...new Set(counted)].sort(), [...read, ...listed]),
    listed: [...listed].sort(),
  };
}

/** Where Ansible's own programs are, which Python lists and looks into for modules: a virtual environment's. */
function programFolders(read: readonly string[]): ReadonlySet<string> {
  return new Set(read.filter((one) => /\/bin\/ansible(-[a-z]+)?$/.test(one)).map((one) => path.posix.dirname(one)));
}

/** What input sets call a traced path; undefined where it is no input. */
export function inputNameOf(names: SetNames, file: string): string | undefined {
  return names.nameOf(withoutUpwards(file, new Set()));
}

/** Python opens what it compiled before, if that is still right, and not the source. */
export function sourceOf(file: string): string {
  return file.replace(/\/__pycache__\/([^/]+?)\.cpython-[^/]+\.pyc$/, '/$1.py');
}

export function isCompiled(file: string): boolean {
  return /\.py[co]$/.test(file);
}

/** Resolves `..`. Behind a link it leads elsewhere than the text says: then the link counts too, and is added to `links`. */
function withoutUpwards(file: string, links: Set<string>): string {
  if (!file.includes('/..')) return file;
  let current = '';
  for (const part of file.split('/').filter(Boolean)) {
    if (part !== '..') current = `${current}/${part}`;
    else {
      if (isLink(current)) links.add(current);
      current = path.posix.dirname(current).replace(/^\/$/, '');
    }
  }
  return current || '/';
}

function isLink(file: string): boolean {
  try {
    return lstatSync(fromPrintable(file), { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
  } catch {
    return false;
  }
}

function isOutside(name: string): boolean {
  return /^[/~$]/.test(name);
}

/** Outside the tree, a folder that was passed on the way to something that counts says no more than that does. */
function withoutAncestors(probed: readonly string[], others: readonly string[]): string[] {
  const outside = [...probed, ...others].filter(isOutside);
  return probed.filter((name) => !isOutside(name) || !outside.some((one) => one.startsWith(`${name}/`)));
}
