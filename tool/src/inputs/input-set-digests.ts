import { hash } from 'node:crypto';
import { lstatSync, readlinkSync, type Stats, statSync } from 'node:fs';
import type { Layer } from '../config/layer.ts';
import type { InputSet } from '../recipe/input-set.ts';
import { fileState } from './file-state.ts';
import { InputFailure } from './input-failure.ts';
import type { InputPlaces } from './layer-inputs.ts';
import { layersIgnore } from './layers-ignore.ts';
import { entryName, listingsFor } from './listing.ts';
import { fromBytes, fromPrintable, printable } from './names.ts';
import { oncePerTurn } from './once-per-turn.ts';
import { setNames } from './set-names.ts';

/** What the members of an input set are on one tree. */
export interface InputSetDigests {
  /**
   * Name → what counts of it. Read: the digest of type, mode and content, or `absent`. Probed: `absent`, `file` or `folder`, with
   * the target where it is a link. Listed, under `NAME/`: `names:sha256:…` of what is in the folder, or `absent`.
   */
  readonly files: Readonly<Record<string, string>>;
  /** Differs when a member was written, even when it was changed back. */
  readonly stamp: string;
  /** Latest change of a member that is there, milliseconds of the file system's clock; 0 for none. */
  readonly newest: number;
}

/** Looks at each member once: a stat, and a read of what changed since the last look. */
export async function digestInputSet(layer: Layer, set: InputSet, places: InputPlaces): Promise<InputSetDigests> {
  const { digester, root } = places;
  const names = await setNames(layer, places);
  const ignored = await layersIgnore(root);
  const listings = await listingsFor(layer, places);
  const files: [string, string][] = [];
  const stamps: string[] = [];
  let newest = 0;
  const add = (key: string, value: string, state: readonly number[]) => {
    files.push([key, value]);
    stamps.push(`${key} ${state.join()}`);
    newest = Math.max(newest, state[4] ?? 0);
  };
  const isCounted = (name: string) => !ignored(name);
  for (const name of set.read.filter(isCounted)) {
    try {
      const { digest, state } = digester.look(fromPrintable(names.pathOf(name)), true);
      add(name, digest, state);
    } catch (error) {
      if (!(error instanceof InputFailure)) throw error;
      // Whatever Ansible made of it: a FIFO, or a file of another user.
      add(name, error.reason === 'missing' ? 'absent' : error.reason, []);
    }
  }
  for (const name of set.probed.filter(isCounted)) {
    const { value, state } = probe(names.pathOf(name));
    // A folder's own times change with what is in it, and that is not what was asked.
    add(name, value, value === 'folder' ? [] : state);
  }
  for (const name of set.listed.filter(isCounted)) {
    const found = listings.now(names.pathOf(name), name);
    // Without its state: what is passed over changes the folder's times too.
    add(entryName(name), found === undefined ? 'absent' : `names:sha256:${hash('sha256', found.join('\n'))}`, []);
  }
  files.sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    files: Object.fromEntries(files),
    newest,
    get stamp() {
      return stamps.join('\n');
    },
  };
}

interface Look {
  readonly value: string;
  readonly state: readonly number[];
}

const probe = oncePerTurn((shown: string): Look => {
  const file = fromPrintable(shown);
  const own = statOrNone(() => lstatSync(file, { throwIfNoEntry: false }));
  if (own === undefined) return { value: 'absent', state: [] };
  if (!own.isSymbolicLink()) return { value: kindOf(own), state: fileState(own) };
  const target = statOrNone(() => statSync(file, { throwIfNoEntry: false }));
  const text = printable(fromBytes(readlinkSync(file, 'buffer')));
  return { value: `${target === undefined ? 'absent' : kindOf(target)} by ${text}`, state: fileState(own) };
});

function kindOf(stats: Stats): string {
  return stats.isDirectory() ? 'folder' : 'file';
}

function statOrNone(look: () => Stats | undefined): Stats | undefined {
  try {
    return look();
  } catch {
    // ENOTDIR, ELOOP, EACCES: there is nothing for Ansible either.
    return undefined;
  }
}
