import { existsSync } from 'node:fs';
import { stepVersionOf } from '../build/versions.ts';
import { destinationsOf } from '../config/destinations.ts';
import { type Diagnostic, InvalidInput } from '../config/diagnostic.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import type { LayerInputs } from '../inputs/layer-inputs.ts';
import type { Candidate, Facts, FixedInputs, LayerLock, Observed, SharedPlace } from '../plan/facts.ts';
import type { Reason } from '../plan/reason.ts';
import type { ProbeKey } from '../recipe/input-set.ts';
import type { KnownBuild } from '../recipe/known-build.ts';
import type { Recipe, RecipeKey } from '../recipe/recipe.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { imageFolder } from '../records/local-memory.ts';
import type { RecordStore } from '../records/record-store.ts';
import type { InputReader } from './input-reader.ts';

/** Facts that a run keeps up to date while layers finish. The plan sees them read-only. */
export interface MutableFacts extends Facts {
  readonly inputs: Map<LayerId, FixedInputs>;
  readonly recorded: Map<LayerId, { readonly files: Recipe['files'] }>;
  readonly candidates: Map<ProbeKey, readonly Candidate[]>;
  readonly builds: Map<RecipeKey, KnownBuild | null>;
  readonly standing: Map<RecipeKey, KnownBuild | null>;
  readonly unanswered: Set<string>;
  readonly observed: Map<LayerId, Observed>;
  readonly records: Map<LayerId, LayerRecord>;
  readonly missingImages: Set<LayerId>;
  readonly damagedRecords: Set<LayerId>;
  readonly missingPublications: Map<LayerId, Set<string>>;
  readonly externals: Map<string, string>;
  readonly locks: Map<LayerId, LayerLock>;
  readonly moved: Map<LayerId, readonly Reason[]>;
}

export interface Gathering {
  readonly graph: LayerGraph;
  readonly needed: ReadonlySet<LayerId>;
  readonly records: RecordStore;
  readonly architecture: string;
  readonly hostSuite?: string;
  readonly now: number;
  readonly locks: Map<LayerId, LayerLock>;
  readonly shared: ReadonlyMap<LayerId, SharedPlace>;
  readonly reader: Pick<InputReader, 'fixed' | 'ofSet'>;
  /**
   * Whether a destination still holds what the record says; undefined: nobody asks, the record is believed. What is on this
   * disk is always looked at.
   */
  verify(layer: Layer, record: LayerRecord, destinationKey: string): Promise<boolean | undefined>;
  warn(id: LayerId, message: string): void;
}

/** Reads what is known of the needed layers, and the records of what they stand on. Asks the network only through `verify`. */
export async function gatherFacts(from: Gathering): Promise<MutableFacts> {
  const facts: MutableFacts = {
    architecture: from.architecture,
    ...(from.hostSuite === undefined ? {} : { hostSuite: from.hostSuite }),
    now: from.now,
    stepVersions: new Map(),
    inputs: new Map(),
    recorded: new Map(),
    candidates: new Map(),
    builds: new Map(),
    standing: new Map(),
    unanswered: new Set(),
    shared: from.shared,
    observed: new Map(),
    records: new Map(),
    missingImages: new Set(),
    damagedRecords: new Set(),
    missingPublications: new Map(),
    externals: new Map(),
    locks: from.locks,
    moved: new Map(),
  };
  const stepVersions = facts.stepVersions as Map<LayerId, number>;
  for (const [id, layer] of from.graph.layers) {
    const isParentOfNeeded = (from.graph.children.get(id) ?? []).some((child) => from.needed.has(child));
    if (!from.needed.has(id) && !isParentOfNeeded) continue;
    stepVersions.set(id, stepVersionOf(layer));
    readRecord(from, facts, layer);
  }
  await readAllInputs(from, facts);
  await Promise.all([...from.needed].map((id) => verifyPublications(from, facts, id)));
  return facts;
}

/** Layers name files that cannot be used: which layers, for who plans without them. */
export class UnusableInputs extends InvalidInput {
  readonly layers: ReadonlyMap<LayerId, readonly Diagnostic[]>;
  constructor(refusals: ReadonlyMap<LayerId, InvalidInput>) {
    const diagnostics = [...refusals.values()].flatMap((refusal) => refusal.diagnostics);
    const root = [...refusals.values()][0]?.root;
    super(`${diagnostics.length} of the files that layers name cannot be used`, {
      diagnostics,
      ...(root !== undefined && { root }),
    });
    this.layers = new Map([...refusals].map(([id, refusal]) => [id, refusal.diagnostics]));
  }
}

/** Of every needed layer. Throws one UnusableInputs with the problems of all of them. */
async function readAllInputs(from: Gathering, facts: MutableFacts): Promise<void> {
  const refusals = new Map<LayerId, InvalidInput>();
  for (const id of from.needed) {
    const layer = from.graph.layers.get(id);
    if (layer === undefined) continue;
    try {
      await readLayerInputs(from, facts, layer);
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      refusals.set(id, error);
    }
  }
  if (refusals.size > 0) throw new UnusableInputs(refusals);
}

/** Reads (again) what decides one layer besides its file, and the members of its recorded input set. */
export async function readLayerInputs(
  from: Pick<Gathering, 'reader' | 'warn'>,
  facts: MutableFacts,
  layer: Layer,
): Promise<LayerInputs> {
  const inputs = await from.reader.fixed(layer);
  const { files, tools, environment } = inputs;
  facts.inputs.set(layer.id, { files, tools, environment });
  for (const warning of inputs.warnings) from.warn(layer.id, warning);
  const set = facts.records.get(layer.id)?.inputSet;
  if (set === undefined) facts.recorded.delete(layer.id);
  else facts.recorded.set(layer.id, await from.reader.ofSet(layer, set));
  return inputs;
}

/** Reads (again) the record of one layer, and whether its image is still there. */
export function readRecord(from: Pick<Gathering, 'records' | 'warn'>, facts: MutableFacts, layer: Layer): void {
  const stored = from.records.read(layer.id);
  if (stored.kind === 'damaged') {
    facts.damagedRecords.add(layer.id);
    from.warn(layer.id, `its record was damaged; it is kept as ${stored.file}, and the layer is built again`);
  }
  if (stored.kind === 'record') setRecord(facts, stored.record);
  else facts.records.delete(layer.id);
}

/** Makes a record the layer's, and looks whether its image is in local storage. */
export function setRecord(facts: MutableFacts, record: LayerRecord): void {
  const id = record.id as LayerId;
  facts.records.set(id, record);
  const { local } = record.image;
  if (local !== undefined && existsSync(imageFolder(local))) facts.missingImages.delete(id);
  else facts.missingImages.add(id);
}

async function verifyPublications(from: Gathering, facts: MutableFacts, id: LayerId): Promise<void> {
  const layer = from.graph.layers.get(id);
  const record = facts.records.get(id);
  if (layer === undefined || record === undefined) return;
  const missing = new Set<string>();
  for (const { key } of destinationsOf(layer)) {
    if (record.publications[key] === undefined) continue;
    if ((await from.verify(layer, record, key)) === false) missing.add(key);
  }
  if (missing.size > 0) facts.missingPublications.set(id, missing);
}
