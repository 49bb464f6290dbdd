import { readdirSync, type Stats, statSync } from 'node:fs';
import type { Layer } from '../config/layer.ts';
import { isLeftOut, isLeftOutOfInventory } from './ansible-folders.ts';
import { resolveSource } from './copyfiles.ts';
import type { InputPlaces } from './layer-inputs.ts';
import { layersIgnore } from './layers-ignore.ts';
import { fromBytes, fromPrintable, joinPath, printable } from './names.ts';
import { oncePerTurn } from './once-per-turn.ts';

/** Names in folders, without those that change nothing; each with a slash behind a folder's, and an @ behind a link's. */
export interface Listings {
  /** What is in the folder now, sorted; undefined: there is no such folder. `name`: what the folder is called in input sets. */
  now(folder: string, name: string): readonly string[] | undefined;
  /** Of `entries`, which were in the folder, those that count. */
  counted(folder: string, name: string, entries: readonly string[]): string[];
}

export async function listingsFor(layer: Layer, { root, own }: InputPlaces): Promise<Listings> {
  const ignored = await layersIgnore(root);
  const inventories = layer.options.inventory.map((one) => resolveSource(root, layer.file, one));
  const isMade = own?.().isMade ?? (() => false);
  function counted(folder: string, name: string, entries: readonly string[]): string[] {
    const isOfInventory = inventories.some((one) => `${folder}/`.startsWith(`${one}/`));
    const isPassedOver = isOfInventory ? isLeftOutOfInventory : isLeftOut;
    return entries.filter((entry) => {
      const bare = entry.replace(/[/@]$/, '');
      if (isPassedOver(bare) || ignored(entryName(name, entry.replace('@', '')))) return false;
      return !isMade(folder === '/' ? `/${bare}` : `${folder}/${bare}`);
    });
  }
  return {
    counted,
    now(folder, name) {
      const names = listing(folder);
      return names && counted(folder, name, names);
    },
  };
}

/** What input sets call an entry of a folder; without an entry, the folder's listing. */
export function entryName(folder: string, entry = ''): string {
  return folder === '.' ? entry || './' : `${folder}/${entry}`;
}

const listing = oncePerTurn((shown: string): readonly string[] | undefined => {
  const folder = fromPrintable(shown);
  if (!statOf(folder)?.isDirectory()) return undefined;
  const entries = readdirSync(joinPath(folder, '.'), { withFileTypes: true, encoding: 'buffer' });
  const marked = entries.map((entry) => {
    const mark = entry.isDirectory() ? '/' : '';
    return printable(fromBytes(entry.name)) + (entry.isSymbolicLink() ? '@' : mark);
  });
  return marked.sort();
});

function statOf(folder: ReturnType<typeof fromPrintable>): Stats | undefined {
  try {
    return statSync(folder, { throwIfNoEntry: false });
  } catch {
    // ENOTDIR, ELOOP, EACCES: there is nothing for Ansible either.
    return undefined;
  }
}
