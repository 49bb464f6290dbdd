import { statSync } from 'node:fs';
import { join } from 'node:path';
import { stepVersionOf } from '../build/versions.ts';
import { destinationsOf } from '../config/destinations.ts';
import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import type { LayerInputs } from '../inputs/layer-inputs.ts';
import type { Facts } from '../plan/facts.ts';
import type { LayerRecord } from '../recipe/record.ts';
import type { RecordStore } from '../records/record-store.ts';

/** Facts that a run keeps up to date while layers finish. The plan sees them read-only. */
export interface MutableFacts extends Facts {
  readonly inputs: Map<LayerId, Readonly<Record<string, string>>>;
  readonly records: Map<LayerId, LayerRecord>;
  readonly missingImages: Set<LayerId>;
  readonly damagedRecords: Set<LayerId>;
  readonly missingPublications: Map<LayerId, Set<string>>;
  readonly externals: Map<string, string>;
}

export interface Gathering {
  readonly graph: LayerGraph;
  readonly needed: ReadonlySet<LayerId>;
  readonly records: RecordStore;
  readonly architecture: string;
  readonly hostSuite?: string;
  readInputs(layer: Layer): Promise<LayerInputs>;
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
    stepVersions: new Map(),
    inputs: new Map(),
    records: new Map(),
    missingImages: new Set(),
    damagedRecords: new Set(),
    missingPublications: new Map(),
    externals: new Map(),
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

/** Of every needed layer. Throws one InvalidInput with the problems of all of them. */
async function readAllInputs(from: Gathering, facts: MutableFacts): Promise<void> {
  const refusals: InvalidInput[] = [];
  for (const id of from.needed) {
    const layer = from.graph.layers.get(id);
    if (layer === undefined) continue;
    try {
      await readLayerInputs(from, facts, layer);
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      refusals.push(error);
    }
  }
  const [first] = refusals;
  if (first === undefined) return;
  const diagnostics = refusals.flatMap((refusal) => refusal.diagnostics);
  const root = first.root === undefined ? {} : { root: first.root };
  throw new InvalidInput(`${diagnostics.length} of the files that layers name cannot be used`, {
    diagnostics,
    ...root,
  });
}

/** Reads (again) what one layer reads; gives the whole answer, for comparing before and after a build. */
export async function readLayerInputs(
  from: Pick<Gathering, 'readInputs' | 'warn'>,
  facts: MutableFacts,
  layer: Layer,
): Promise<LayerInputs> {
  const inputs = await from.readInputs(layer);
  facts.inputs.set(layer.id, inputs.files);
  for (const warning of inputs.warnings) from.warn(layer.id, warning);
  return inputs;
}

/** Reads (again) the record of one layer, and whether its image is still there. */
export function readRecord(from: Pick<Gathering, 'records' | 'warn'>, facts: MutableFacts, layer: Layer): void {
  const stored = from.records.read(layer.id);
  if (stored.kind === 'damaged') {
    facts.damagedRecords.add(layer.id);
    from.warn(layer.id, `its record was damaged; it is kept as ${stored.file}, and the layer is built again`);
  }
  if (stored.kind !== 'record') {
    facts.records.delete(layer.id);
    return;
  }
  facts.records.set(layer.id, stored.record);
  if (imageIsThere(stored.record)) facts.missingImages.delete(layer.id);
  else facts.missingImages.add(layer.id);
}

/** One stat instead of a buildah process: containers/storage keeps a folder an image. */
function imageIsThere({ image }: LayerRecord): boolean {
  return statSync(join(image.graphRoot, `${image.driver}-images`, image.id), { throwIfNoEntry: false }) !== undefined;
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
