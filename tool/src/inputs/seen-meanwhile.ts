import { statSync } from 'node:fs';
import path from 'node:path';
import type { Layer } from '../config/layer.ts';
import type { InputSet } from '../recipe/input-set.ts';
import type { InputPlaces } from './layer-inputs.ts';
import { layersIgnore } from './layers-ignore.ts';
import { listingsFor } from './listing.ts';
import { inputNameOf, isCompiled, sourceOf, type TracedPaths } from './name-trace.ts';
import { fromPrintable } from './names.ts';
import { setNames } from './set-names.ts';

/**
 * Paths that were there for a while as Ansible ran, or gone for a while: what was found of them then is not what is there now, so that
 * no digest of now tells what the run depended on. What Ansible itself made or removed is left out; so is what is no member of
 * `set`, or ignored. By the paths themselves, as a name may stand for the first of several that is there.
 */
export async function cameOrWent(
  layer: Layer,
  { trace, set }: { readonly trace: TracedPaths; readonly set: InputSet },
  places: InputPlaces & { readonly temporary: string },
): Promise<string[]> {
  const names = await setNames(layer, places, places.temporary);
  const listings = await listingsFor(layer, places);
  const isIgnored = await layersIgnore(places.root);
  const members = new Set([...set.read, ...set.probed, ...set.listed]);
  const memberOf = (file: string) => {
    const name = isCompiled(file) ? undefined : inputNameOf(names, file);
    return name !== undefined && members.has(name) && !isIgnored(name) ? name : undefined;
  };
  const own = new Set(trace.seen.own);
  const isMade = places.own?.().isMade ?? (() => false);
  const isOwn = (file: string) => own.has(file) || isMade(file) || isBelowRemoved(file, own);
  const { there, absent, names: listed } = trace.seen;
  const went = [...there, ...trace.read.map(sourceOf)].filter((file) => !isThere(file));
  const came = absent.filter(isThere);
  const differing = listed.flatMap(([folder, entries]) => {
    const name = memberOf(folder);
    if (name === undefined) return [];
    const then = new Set(listings.counted(folder, name, entries));
    const now = new Set(listings.now(folder, name) ?? []);
    const both = [...then.symmetricDifference(now)];
    return both.map((entry) => path.posix.join(folder, entry.replace(/[/@]$/, '')));
  });
  const found = [...[...went, ...came].filter((file) => memberOf(file) !== undefined), ...differing];
  return [...new Set(found)].filter((file) => !isOwn(file)).sort();
}

/** Whether a folder above was moved or removed by Ansible. */
function isBelowRemoved(file: string, own: ReadonlySet<string>): boolean {
  for (let above = path.posix.dirname(file); above !== '/'; above = path.posix.dirname(above)) {
    if (own.has(above) && !isThere(above)) return true;
  }
  return false;
}

/** A link to nothing is nothing. */
function isThere(shown: string): boolean {
  try {
    return statSync(fromPrintable(shown), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}
