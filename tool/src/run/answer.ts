import { type Destination, destinationsOf } from '../config/destinations.ts';
import type { Layer } from '../config/layer.ts';
import { type ExternalImage, externalKey } from '../graph/external-image.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import type { Question } from '../plan/facts.ts';
import type { Publication, WantedPublication } from '../publish/publisher.ts';
import { labelsOf } from '../recipe/labels.ts';
import { portableReferences } from '../recipe/portable-references.ts';
import { publishKeyOf, publishRecipeOf } from '../recipe/publish-key.ts';
import type { LayerRecord, PublicationRecord } from '../recipe/record.ts';
import { findBuild, findShared, knownInputSets, type LayerMemory } from '../records/layer-memory.ts';
import type { MutableFacts } from './gather-facts.ts';
import type { InputReader } from './input-reader.ts';

/** Who knows what a plan asks. */
export interface Answering {
  readonly root: string;
  readonly graph: LayerGraph;
  readonly reader: Pick<InputReader, 'ofSet'>;
  memoryOf(layer: Layer): Promise<LayerMemory>;
  /** What a destination holds of a build that this machine has no record of; undefined: not what is wanted, or not to be told. */
  observe(wanted: WantedPublication, destination: Destination): Promise<Publication | undefined>;
  /** Digest of an external image; undefined after a warning where it is not to be had. */
  externalDigest(image: ExternalImage): Promise<string | undefined>;
}

/** Puts the answers to all questions into the facts, asked at once. Gives false when none of them could be answered. */
export async function answerQuestions(
  questions: readonly Question[],
  facts: MutableFacts,
  world: Answering,
): Promise<boolean> {
  const answered = await Promise.all(questions.map((question) => answer(question, facts, world)));
  return answered.some(Boolean);
}

async function answer(question: Question, facts: MutableFacts, world: Answering): Promise<boolean> {
  if (question.kind === 'external-digest') {
    const digest = await world.externalDigest(question);
    if (digest === undefined) facts.unanswered.add(externalKey(question));
    else facts.externals.set(externalKey(question), digest);
    return true;
  }
  const layer = world.graph.layers.get(question.id) as Layer;
  if (question.kind === 'publications') {
    facts.observed.set(question.id, {
      recipeKey: question.record.recipeKey,
      publications: await observeAll(layer, question.record, world),
    });
    return true;
  }
  const memory = await world.memoryOf(layer);
  if (question.kind === 'standing') {
    facts.standing.set(question.key, (await findShared(memory, question.key)) ?? null);
    return true;
  }
  if (question.kind === 'build') {
    // Another layer with the same recipe, kept elsewhere, may know it.
    const found = (await findBuild(memory, question.key)) ?? facts.builds.get(question.key) ?? null;
    facts.builds.set(question.key, found);
    return true;
  }
  const sets = await knownInputSets(memory, question.key);
  const read = await Promise.all(
    sets.map(async (set) => ({ set, files: (await world.reader.ofSet(layer, set)).files })),
  );
  facts.candidates.set(question.key, read);
  return true;
}

/** Publications that destinations hold already, by destination key, as records keep them. */
async function observeAll(
  layer: Layer,
  record: LayerRecord,
  world: Answering,
): Promise<Record<string, PublicationRecord>> {
  const found: [string, PublicationRecord][] = [];
  const look = async (destination: Destination): Promise<void> => {
    const recipe = publishRecipeOf(record.content, destination, labelsOf(layer));
    const publishKey = publishKeyOf(recipe);
    const wanted = { layer, contentDigest: record.content, recipeKey: record.recipeKey, publishKey };
    const publication = await world.observe(wanted, destination);
    if (publication === undefined) return;
    const references = portableReferences(publication.references, world.root);
    const { bytes } = publication;
    found.push([destination.key, { publishKey, recipe, references, bytes, at: record.builtAt, durationMs: 0 }]);
  };
  await Promise.all(destinationsOf(layer).map(look));
  return Object.fromEntries(found);
}
