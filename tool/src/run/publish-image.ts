import type { Destination } from '../config/destinations.ts';
import type { Layer } from '../config/layer.ts';
import { createBootFiles } from '../publish/boot-files.ts';
import type { PublishedImage } from '../publish/publisher.ts';
import { publish } from '../publish/publishers.ts';
import { datedLabelsOf, labelsOf } from '../recipe/labels.ts';
import { portableReferences } from '../recipe/portable-references.ts';
import { placeOf, publishKeyOf, publishRecipeOf } from '../recipe/publish-key.ts';
import type { LayerRecord, PublicationRecord } from '../recipe/record.ts';
import { ImageGone } from '../records/image-gone.ts';
import type { Workspace } from '../system/workspace.ts';
import { imageInStorage } from './image-of.ts';
import type { LayerWork } from './work-on-layer.ts';

/** A destination that failed; the others went on. */
interface FailedDestination {
  readonly destination: Destination;
  readonly error: unknown;
}

/**
 * Brings destinations in line with the record's content, one after another; each that is done is remembered at once, so that a failure
 * of the next loses nothing. Throws ImageGone where the image is to be had nowhere.
 */
export async function publishImage(
  work: LayerWork,
  layer: Layer,
  record: LayerRecord,
  destinations: readonly Destination[],
  workspace: Workspace,
): Promise<FailedDestination[]> {
  const image = publishedImage(work, layer, record, workspace);
  const boot = createBootFiles(image, workspace);
  const failures: FailedDestination[] = [];
  for (const destination of destinations) {
    const started = Date.now();
    try {
      const recipe = publishRecipeOf(record.content, destination, labelsOf(layer));
      const publishKey = publishKeyOf(recipe);
      const publication = await workspace.step(`publish ${placeOf(destination)}`, () =>
        publish({ ...image, publishKey }, destination, workspace, boot),
      );
      const entry: PublicationRecord = {
        publishKey,
        recipe,
        references: portableReferences(publication.references, workspace.root),
        bytes: publication.bytes,
        at: new Date().toISOString(),
        durationMs: Date.now() - started,
      };
      // Read again: the image may have been pulled meanwhile.
      const current = work.facts.records.get(layer.id) ?? record;
      await work.remember({ ...current, publications: { ...current.publications, [destination.key]: entry } });
    } catch (error) {
      if (workspace.signal.aborted || error instanceof ImageGone) throw error;
      failures.push({ destination, error });
    }
  }
  return failures;
}

/** The image as publishers see it: nothing is pulled or labelled before one of them needs that, and nothing twice. */
function publishedImage(
  work: LayerWork,
  layer: Layer,
  record: LayerRecord,
  workspace: Workspace,
): Omit<PublishedImage, 'publishKey'> {
  const labels = { ...record.inheritedLabels, ...datedLabelsOf(layer, record.builtAt) };
  const local = once(async () => (await imageInStorage(work, layer.id, workspace)).id);
  const labelled = once(async () => {
    const id = await local();
    const info = await workspace.buildah.inspect(id);
    if (info === undefined || sameLabels(info.labels, labels)) return id;
    return workspace.step('labels', () => workspace.buildah.relabel(id, labels));
  });
  const { shared } = record.image;
  return {
    layer,
    contentDigest: record.content,
    recipeKey: record.recipeKey,
    labels,
    local,
    labelled,
    ...(shared && { shared }),
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function sameLabels(has: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  const own = Object.entries(has);
  return own.length === Object.keys(wanted).length && own.every(([name, value]) => wanted[name] === value);
}
