import type { AnsibleTrace } from '../build/builder.ts';
import type { Layer } from '../config/layer.ts';
import type { LayerInputs } from '../inputs/layer-inputs.ts';
import type { MissingMount } from '../inputs/missing-mounts.ts';
import type { WatchPlaces } from '../inputs/watch-places.ts';
import type { InputSet } from '../recipe/input-set.ts';
import type { Recipe } from '../recipe/recipe.ts';

/** `inputs/` with the places of this tree filled in, as a run uses it. All throw InvalidInput for files that cannot be used. */
export interface InputReader {
  /** What is known without running Ansible. Inventory scripts are asked once a reader. */
  fixed(layer: Layer): Promise<LayerInputs>;
  /** A reader that asks them again. */
  anew(): InputReader;
  /** What the members of a set are on this tree now. */
  ofSet(layer: Layer, set: InputSet): Promise<SetReading>;
  /** State of everything that an Ansible layer may read: it differs when any of it was written. */
  mayRead(layer: Layer): Promise<{ readonly stamp: string }>;
  /**
   * The set that a run of Ansible depended on; without a whole trace, all that it may have read. `temporary`: the run's own folder,
   * which is no input.
   */
  named(layer: Layer, trace: AnsibleTrace | undefined, temporary: string): Promise<InputSet>;
  /** Members of the set that came or went while Ansible ran: then `ofSet` does not tell what it depended on. Absolute paths. */
  cameOrWent(layer: Layer, trace: AnsibleTrace, set: InputSet, temporary: string): Promise<readonly string[]>;
  /** Where changes can matter to the layer; `all`: also what its playbooks only may read. */
  placesOf(layer: Layer, set: InputSet | undefined, options: { readonly all: boolean }): Promise<WatchPlaces>;
  /** Mounts whose sources are not there: none of a layer without mounts. */
  missingMounts(layer: Layer): readonly MissingMount[];
  /** Copies sources whose modes on disk are not the ones that count into `folder`: `src` → its copy. */
  stageCopies(layer: Layer, folder: string): Promise<ReadonlyMap<string, string>>;
}

interface SetReading {
  readonly files: Recipe['files'];
  /** Latest change of a member, milliseconds of the file system's clock; 0 for an empty set. */
  readonly newest: number;
}
