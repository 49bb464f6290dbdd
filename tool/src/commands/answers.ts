import type { Layer, LayerId, LayerPlaces } from '../config/layer.ts';
import { type ExternalImage, externalKey } from '../graph/external-image.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import type { Question } from '../plan/facts.ts';
import type { LayerMemory } from '../records/layer-memory.ts';
import type { Answering } from '../run/answer.ts';
import type { MutableFacts } from '../run/gather-facts.ts';
import type { InputReader } from '../run/input-reader.ts';
import type { CommandContext } from './command.ts';
import type { CacheMode } from './open-memories.ts';

/** Digests of images from outside, by the image and, of a layout, where it lies; undefined: not to be had. */
export type Digests = Map<string, Promise<string | undefined>>;

interface Opening {
  readonly context: CommandContext;
  readonly root: string;
  readonly graph: LayerGraph;
  readonly facts: MutableFacts;
  readonly reader: InputReader;
  readonly mode: CacheMode;
  /** Of layers.yaml. */
  readonly cache: string;
  /** External parents are asked for where they are, whatever local storage has. */
  readonly refresh: boolean;
  /** Where layers name their images. */
  readonly places: ReadonlyMap<LayerId, LayerPlaces>;
  /** What was asked for by earlier plans of this process, and is not asked for again. */
  readonly digests: Digests;
  /** Gets what is waited for of shared places, each of which has to give an answer then (`openMemories`). */
  insist?(line: string): void;
  /** `isError`: it will be no different when something is done. */
  warn(id: LayerId | null, message: string, isError?: boolean): void;
}

/** Who answers a plan's questions. Nothing of it is loaded before there is one: a null build asks none. */
export function openAnswers(opening: Opening): {
  memoryOf(layer: Layer, place?: string): Promise<LayerMemory>;
  answer(questions: readonly Question[]): Promise<boolean>;
} {
  let memories: ReturnType<typeof openMemoriesOf> | undefined;
  const memoryOf = async (layer: Layer, place?: string): Promise<LayerMemory> => {
    memories ??= openMemoriesOf(opening);
    return (await memories)(layer, place);
  };
  return {
    memoryOf,
    async answer(questions) {
      const { answerQuestions } = await import('../run/answer.ts');
      return answerQuestions(questions, opening.facts, answering(opening, memoryOf));
    },
  };
}

async function openMemoriesOf({
  context,
  root,
  facts,
  mode,
  cache,
  insist,
  warn,
}: Opening): Promise<(layer: Layer, place?: string) => Promise<LayerMemory>> {
  const { openMemories } = await import('./open-memories.ts');
  const { openAsking } = await import('./asking.ts');
  const [record] = [...facts.records.values()].filter(({ image }) => image.local !== undefined);
  return openMemories({
    mode,
    cache,
    root,
    env: context.env,
    signal: context.signal,
    asking: openAsking(context, root),
    graphRoot: record?.image.local?.graphRoot,
    ...(insist && { insist }),
    warn: (message) => warn(null, message),
  });
}

function answering(
  { context, root, graph, reader, refresh, places, digests, warn }: Opening,
  memoryOf: Answering['memoryOf'],
): Answering {
  const ask = async (image: ExternalImage): Promise<string | undefined> => {
    if (refresh) {
      const { imageAsker } = await import('./outside.ts');
      return imageAsker(context, root, graph)(image);
    }
    const { externalDigest } = await import('../run/externals.ts');
    const { openAsking } = await import('./asking.ts');
    const asking = { graph, places, ...openAsking(context, root) };
    return externalDigest(image, asking, ({ message, isCertain }) => warn(null, message, isCertain));
  };
  return {
    root,
    graph,
    reader,
    memoryOf,
    async observe(wanted, destination) {
      const { observe } = await import('../publish/observe.ts');
      const { openAsking } = await import('./asking.ts');
      try {
        return await observe(wanted, destination, openAsking(context, root));
      } catch (error) {
        if (context.signal.aborted) throw error;
        const why = error instanceof Error ? error.message : String(error);
        warn(wanted.layer.id, `${destination.key} could not be asked what it holds, it is published again: ${why}`);
        return undefined;
      }
    },
    externalDigest(image) {
      const key = image.reference.startsWith('oci:') ? `${root} ${externalKey(image)}` : externalKey(image);
      const answer = digests.get(key) ?? ask(image);
      digests.set(key, answer);
      return answer;
    },
  };
}
