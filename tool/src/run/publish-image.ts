import type { Destination } from '../config/destinations.ts';
import type { Layer } from '../config/layer.ts';
import { createBootFiles } from '../publish/boot-files.ts';
import { publish } from '../publish/publishers.ts';
import { datedLabelsOf, labelsOf } from '../recipe/labels.ts';
import { portableReferences } from '../recipe/portable-references.ts';
import { placeOf, publishKeyOf, publishRecipeOf } from '../recipe/publish-key.ts';
import type { LayerRecord, PublicationRecord } from '../recipe/record.ts';
import type { Workspace } from '../system/workspace.ts';
import { keptName } from './kept-name.ts';

/** A destination that failed; the others went on. */
interface FailedDestination {
  readonly destination: Destination;
  readonly error: unknown;
}

export interface PublishOutcome {
  readonly record: LayerRecord;
  readonly published: number;
  readonly failures: readonly FailedDestination[];
}

/**
 * Brings destinations in line with the record's image, one after another; each that is done is given to `remember` at once, so that
 * a failure of the next loses nothing.
 */
export async function publishImage(
  layer: Layer,
  record: LayerRecord,
  destinations: readonly Destination[],
  workspace: Workspace,
  remember: (record: LayerRecord) => Promise<void>,
): Promise<PublishOutcome> {
  let current = record;
  if (destinations.some(holdsConfiguration)) {
    current = await withLabels(layer, record, workspace);
    if (current !== record) await remember(current);
  }
  const boot = createBootFiles(current.image.id, workspace);
  const failures: FailedDestination[] = [];
  let published = 0;
  for (const destination of destinations) {
    const started = Date.now();
    try {
      const image = {
        layer,
        imageId: current.image.id,
        contentDigest: current.content,
        recipeKey: current.recipeKey,
      };
      const place = placeOf(destination);
      const publication = await workspace.step(`publish ${place}`, () => publish(image, destination, workspace, boot));
      const recipe = publishRecipeOf(current.content, destination, labelsOf(layer));
      const entry: PublicationRecord = {
        publishKey: publishKeyOf(recipe),
        recipe,
        references: portableReferences(publication.references, workspace.root),
        bytes: publication.bytes,
        at: new Date().toISOString(),
        durationMs: Date.now() - started,
      };
      current = { ...current, publications: { ...current.publications, [destination.key]: entry } };
      await remember(current);
      published += 1;
    } catch (error) {
      if (workspace.signal.aborted) throw error;
      failures.push({ destination, error });
    }
  }
  return { record: current, published, failures };
}

function holdsConfiguration(destination: Destination): boolean {
  return destination.kind !== 's3' && destination.kind !== 'file';
}

/** The same layers with today's labels; the kept image becomes that one, so that every later publication has one digest. */
async function withLabels(layer: Layer, record: LayerRecord, workspace: Workspace): Promise<LayerRecord> {
  const labels = { ...record.inheritedLabels, ...datedLabelsOf(layer, record.builtAt) };
  const info = await workspace.buildah.inspect(record.image.id);
  if (info === undefined || sameLabels(info.labels, labels)) return record;
  const id = await workspace.step('labels', () => workspace.buildah.relabel(record.image.id, labels));
  await workspace.buildah.tag(id, [keptName(layer.id, record.recipeKey)]);
  return { ...record, image: { ...record.image, id } };
}

/** buildah adds a label of its own version to what it commits. */
function sameLabels(has: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  const own = Object.entries(has).filter(([name]) => name !== 'io.buildah.version');
  return own.length === Object.keys(wanted).length && own.every(([name, value]) => wanted[name] === value);
}
