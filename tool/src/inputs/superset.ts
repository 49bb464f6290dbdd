import type { Layer } from '../config/layer.ts';
import type { InputSet } from '../recipe/input-set.ts';
import { ansibleFiles } from './ansible-static.ts';
import { stateOf } from './file-state.ts';
import type { InputPlaces } from './layer-inputs.ts';
import { layersIgnore } from './layers-ignore.ts';
import { printable } from './names.ts';
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
  const files = await ansibleFiles(layer, places);
  const [{ nameOf }, ignored] = await Promise.all([setNames(layer, places), layersIgnore(places.root)]);
  const named = files.map(({ path }) => ({ name: nameOf(printable(path)), path }));
  const counted = named.filter(({ name }) => name !== undefined && !ignored(name));
  return {
    names: [...new Set(counted.map(({ name }) => name as string))].sort(),
    get stamp() {
      return counted.map(({ name, path }) => `${name} ${stateOf(path).join()}`).join('\n');
    },
  };
}

/** The superset as an input set: for a run of which no whole trace is left. Too much counts then, and nothing is missed that it names. */
export async function supersetAsSet(layer: Layer, places: InputPlaces): Promise<InputSet> {
  const { names } = await mayRead(layer, places);
  return { version: 1, read: names, probed: [], listed: [] };
}
