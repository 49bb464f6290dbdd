import type { LayerId } from '../config/layer.ts';
import type { LockedImage } from '../config/lock.ts';
import type { ExternalImage } from '../graph/external-image.ts';
import type { InputSet, ProbeKey } from '../recipe/input-set.ts';
import type { KnownBuild } from '../recipe/known-build.ts';
import type { Recipe, RecipeKey } from '../recipe/recipe.ts';
import type { LayerRecord, PublicationRecord } from '../recipe/record.ts';
import type { Reason } from './reason.ts';

/** What is known of the outside when a plan is made; `run/` and `commands/` gather it, the plan only reads it. */
export interface Facts {
  readonly architecture: string;
  /** Debian's name for the release of this machine, where it is one. */
  readonly hostSuite?: string;
  /** Milliseconds since the epoch, once for the whole plan. */
  readonly now: number;
  /** Layer → step version of its builder. */
  readonly stepVersions: ReadonlyMap<LayerId, number>;
  /** Layer → what decides besides its file, as far as it is known without running Ansible. */
  readonly inputs: ReadonlyMap<LayerId, FixedInputs>;
  /** Ansible layer → members of its record's input set, as they are on this tree now. */
  readonly recorded: ReadonlyMap<LayerId, InputFiles>;
  /** Probe key → what the sets that are known under it make of this tree. Absent: nobody asked yet. */
  readonly candidates: ReadonlyMap<ProbeKey, readonly Candidate[]>;
  /** Recipe key → the build that is remembered somewhere; null: asked for, and nobody knows one. */
  readonly builds: ReadonlyMap<RecipeKey, KnownBuild | null>;
  /** Layer → what its destinations hold of a build that this machine has no record of. */
  readonly observed: ReadonlyMap<LayerId, Observed>;
  /** Recipe key → what stands under it in the shared place now, for records that may not be the last word; null: nothing. */
  readonly standing: ReadonlyMap<RecipeKey, KnownBuild | null>;
  /** Layer → where machines share its builds; absent: nowhere. */
  readonly shared: ReadonlyMap<LayerId, SharedPlace>;
  readonly records: ReadonlyMap<LayerId, LayerRecord>;
  /** Layers whose recorded image is not in local storage (any more). */
  readonly missingImages: ReadonlySet<LayerId>;
  /** Records that were damaged and set aside. */
  readonly damagedRecords: ReadonlySet<LayerId>;
  /** Layer → destination keys that were looked at and do not hold what the record says. */
  readonly missingPublications: ReadonlyMap<LayerId, ReadonlySet<string>>;
  /** External image (`externalKey`) → manifest digest, where it was asked for. A layer's own record beats it. */
  readonly externals: ReadonlyMap<string, string>;
  /** External images that were asked for in vain. */
  readonly unanswered: ReadonlySet<string>;
  /** What layers.lock says of a layer. */
  readonly locks: ReadonlyMap<LayerId, LayerLock>;
  /** `--refresh`: layer → what moved outside since it was built. */
  readonly moved: ReadonlyMap<LayerId, readonly Reason[]>;
}

export interface SharedPlace {
  readonly place: string;
  /** Whether our builds go there. */
  readonly writes: boolean;
}

export interface FixedInputs {
  readonly files: Recipe['files'];
  readonly tools: Recipe['tools'];
  readonly environment: Recipe['environment'];
}

export interface Candidate extends InputFiles {
  readonly set: InputSet;
}

interface InputFiles {
  readonly files: Recipe['files'];
}

export interface Observed {
  readonly recipeKey: RecipeKey;
  /** By destination key; only those that hold what is wanted. */
  readonly publications: Readonly<Record<string, PublicationRecord>>;
}

export interface LayerLock {
  readonly parent?: LockedImage;
  /** A tools image from elsewhere. */
  readonly tools?: LockedImage;
  readonly repositories: Readonly<Record<string, string>>;
}

/** What the plan has to know and nobody has told it. */
export type Question =
  | ({ readonly kind: 'external-digest' } & ExternalImage)
  | { readonly kind: 'input-sets'; readonly id: LayerId; readonly key: ProbeKey }
  | { readonly kind: 'build'; readonly id: LayerId; readonly key: RecipeKey }
  | { readonly kind: 'standing'; readonly id: LayerId; readonly key: RecipeKey }
  | { readonly kind: 'publications'; readonly id: LayerId; readonly record: LayerRecord };

/** What the user asked for. */
export interface Wish {
  /** Named or matched; `--force` and `--only` speak of these. */
  readonly named: ReadonlySet<LayerId>;
  /** Named ones and what they stand on. Nothing else is touched. */
  readonly needed: ReadonlySet<LayerId>;
  readonly force: boolean;
  /** Nothing leaves the machine: publications are neither planned nor done. */
  readonly publish: boolean;
  /** Whether builds that are remembered elsewhere are looked for. */
  readonly reuse: boolean;
  /** External parents are asked for again, whatever a record or the lock says. */
  readonly refresh: boolean;
  /** What is used from outside must be what layers.lock says. */
  readonly locked: boolean;
}
