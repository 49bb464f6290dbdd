import type { LayerId } from '../config/layer.ts';
import type { LayerRecord } from '../recipe/record.ts';

/** What is known of the outside when a plan is made; `run/` and `commands/` gather it, the plan only reads it. */
export interface Facts {
  readonly architecture: string;
  /** Debian's name for the release of this machine, where it is one. */
  readonly hostSuite?: string;
  /** Layer → step version of its builder. */
  readonly stepVersions: ReadonlyMap<LayerId, number>;
  /** Layer → name → digest of every file it reads. */
  readonly inputs: ReadonlyMap<LayerId, Readonly<Record<string, string>>>;
  readonly records: ReadonlyMap<LayerId, LayerRecord>;
  /** Layers whose recorded image is not in local storage any more. */
  readonly missingImages: ReadonlySet<LayerId>;
  /** Records that were damaged and set aside. */
  readonly damagedRecords: ReadonlySet<LayerId>;
  /** Layer → destination keys that were looked at and do not hold what the record says. */
  readonly missingPublications: ReadonlyMap<LayerId, ReadonlySet<string>>;
  /** Reference of an external parent → manifest digest, where it was asked for. A layer's own record beats it. */
  readonly externals: ReadonlyMap<string, string>;
}

/** What the plan has to know and nobody has told it. */
export type Question = { readonly kind: 'external-digest'; readonly reference: string };

/** What the user asked for. */
export interface Wish {
  /** Named or matched; `--force` and `--only` speak of these. */
  readonly named: ReadonlySet<LayerId>;
  /** Named ones and what they stand on. Nothing else is touched. */
  readonly needed: ReadonlySet<LayerId>;
  readonly force: boolean;
  /** Nothing leaves the machine: publications are neither planned nor done. */
  readonly publish: boolean;
}
