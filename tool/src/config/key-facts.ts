/** What a key decides: `build` keys are part of the recipe, `publish` keys only of the publish key, `neither` of nothing. */
export type Counts = 'build' | 'publish' | 'neither';

export type LayerType = 'base' | 'ansible';

/** What is known of a key besides its type. Plain data without zod, as a null build makes recipes from it. */
export interface KeyFacts {
  readonly counts: Counts;
  readonly description: string;
  /** The only type of layer that the key has an effect in; without it, both. */
  readonly only?: LayerType;
  /** Where the column differs for an Ansible layer. */
  readonly ansibleCounts?: Counts;
  /** image-build's command line flag for the key. */
  readonly flag?: string;
  /** The first part of a base layer that it counts in; without it the packages. What comes later counts no less. */
  readonly from?: 'files' | 'commands';
  /** Values may carry credentials: recipes and records keep only their hashes, and printers mask them. */
  readonly secret?: boolean;
}

/** What a key decides in a layer of that type: a key that has no effect there decides nothing. */
export function countsIn(facts: KeyFacts, type: LayerType): Counts {
  if (facts.only !== undefined && facts.only !== type) return 'neither';
  return type === 'ansible' ? (facts.ansibleCounts ?? facts.counts) : facts.counts;
}
