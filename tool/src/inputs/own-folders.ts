import { readdirSync } from 'node:fs';
import path from 'node:path';
import { destinationsOf } from '../config/destinations.ts';
import type { Layer } from '../config/layer.ts';

/** Where runs themselves write. */
export interface OwnFolders {
  /** Absolute. Records, logs, caches: no input, whoever reads them. */
  readonly state: string;
  /**
   * Whether an absolute path is there because of runs: the folder of state or of a publication, or one with nothing else in it. Who
   * lists the folder around it does not ask for that, and on a machine where nothing was built yet it is not there. A playbook that
   * reads a publication depends on it all the same.
   */
  isMade(file: string): boolean;
}

/** @param layers all of the tree, as some are published while others are built */
export function ownFolders(root: string, stateDir: string, layers: Iterable<Layer>): OwnFolders {
  const folders = new Set([stateDir]);
  for (const layer of layers) {
    for (const one of destinationsOf(layer)) {
      if (one.kind === 'oci' || one.kind === 'file') folders.add(path.resolve(root, one.directory));
    }
  }
  const above = new Set<string>();
  for (const folder of folders) {
    for (let one = path.dirname(folder); !above.has(one); one = path.dirname(one)) above.add(one);
  }
  const isMade = (file: string): boolean => folders.has(file) || (above.has(file) && holdsOnlyMade(file));
  const holdsOnlyMade = (folder: string): boolean => {
    try {
      return readdirSync(folder).every((name) => isMade(path.join(folder, name)));
    } catch {
      return false;
    }
  };
  return { state: stateDir, isMade };
}
