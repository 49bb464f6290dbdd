import type { Layer } from '../config/layer.ts';
import type { InputSet } from '../recipe/input-set.ts';
import { ansibleFiles } from './ansible-static.ts';
import { stateOf } from './file-state.ts';
import type { InputPlaces } from './layer-inputs.ts';
import { layersIgnore } from './layers-ignore.ts';
import { type DiskPath, printable } from './names.ts';
import { setNames } from './set-names.ts';

/** What an Ansible layer may read, by a static reading of its playbooks. It enters no key. */
export interface Superset {
  /** As in input sets (`set-names.ts`). */
  readonly names: readonly string[];
  /** Differs when any of the files was written. */
  readonly stamp: string;
}

/** Nothing for a layer of another kind. */
export async function mayRead(layer: Layer, places: InputPlaces): Promise<Superset> {
  if (layer.options.layer_type !== 'ansible') return { names: [], stamp: '' };
  const [named, ignored] = await Promise.all([namedFiles(layer, places), layersIgnore(places.root)]);
  const counted = named.filter(({ name }) => !ignored(name));
  return {
    names: namesOf(counted),
    get stamp() {
      return counted.map(({ name, path }) => `${name} ${stateOf(path).join()}`).join('\n');
    },
  };
}

/** The superset as an input set: for a run of which no whole trace is left. Too much counts then, and nothing is missed that it names. */
export async function supersetAsSet(layer: Layer, places: InputPlaces): Promise<InputSet> {
  return { version: 2, read: namesOf(await namedFiles(layer, places)), probed: [], listed: [] };
}

interface NamedFile {
  readonly name: string;
  readonly path: DiskPath;
}

async function namedFiles(layer: Layer, places: InputPlaces): Promise<NamedFile[]> {
  const files = await ansibleFiles(layer, places);
  const { nameOf } = await setNames(layer, places);
  return files.flatMap(({ path }) => {
    const name = nameOf(printable(path));
    return name === undefined ? [] : [{ name, path }];
  });
}

function namesOf(files: readonly NamedFile[]): string[] {
  return [...new Set(files.map(({ name }) => name))].sort();
}
