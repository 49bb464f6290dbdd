import { join } from 'node:path';
import type { Layer } from '../config/layer.ts';
import { fileClock } from '../inputs/file-clock.ts';
import { ageLimit } from '../plan/drift.ts';
import { type Looks, watchLooks } from '../system/looks.ts';
import { stateOfTarget } from '../system/path-state.ts';
import { countedAlthoughShell, environmentDigest, type RestQuestion, restQuestion } from './at-rest-question.ts';
import { looksToRepeat, writeAtRest } from './at-rest-write.ts';
import type { CommandContext } from './command.ts';
import type { Prepared } from './prepare.ts';

/** Tells a home where HOME does not; the C library reads it, which nobody stands in front of. */
const USERS = '/etc/passwd';

/** A build under observation, which may find that there is nothing to do. */
export interface Resting {
  /** The context for what is observed. */
  readonly context: CommandContext;
  /** Nobody observes any more. To be called in any case, at the latest before work is done. */
  stop(): void;
  /**
   * After a plan of nothing: remembers it for the next build that is asked the same. Gives what was in the way, for a log; that
   * costs time and nothing else, so nothing is thrown.
   */
  keep(
    idle: Pick<Prepared, 'stateDir' | 'graph' | 'facts' | 'plan' | 'wish'>,
    warnings: readonly string[],
  ): string | undefined;
}

/** Begins to observe. Undefined: what this build finds is no answer for another. */
export function startResting(context: CommandContext, looking = watchLooks): Resting | undefined {
  const question = restQuestion(context.argv, context.cwd, context.env);
  // Sources change without the bundle, by which the tool itself is told apart.
  if (question === undefined || context.env.LAYERS_SOURCES === '1') return undefined;
  const unseen = [join(import.meta.dirname, 'main.cjs'), USERS].map((file) => [file, stateOfTarget(file)] as const);
  const looks = looking();
  let seen: ReturnType<Looks['end']> | undefined;
  let hasSpoken = false;
  const stop = () => {
    seen ??= looks.end();
  };
  return {
    context: {
      ...context,
      warn(text) {
        hasSpoken = true;
        context.warn(text);
      },
    },
    stop,
    keep(idle, warnings) {
      stop();
      if (seen === undefined || typeof seen === 'string') return seen;
      if (hasSpoken) return 'something was said that a later build has to say again';
      if (idle.stateDir !== question.stateDir) return 'the state folder is elsewhere';
      try {
        return write(
          { ...seen, targets: new Map([...seen.targets, ...unseen]) },
          { question, idle, warnings, env: context.env },
        );
      } catch (error) {
        return String(error);
      }
    },
  };
}

interface Found {
  readonly question: RestQuestion;
  readonly idle: Pick<Prepared, 'graph' | 'facts' | 'plan' | 'wish'>;
  readonly warnings: readonly string[];
  readonly env: CommandContext['env'];
}

function write(seen: Exclude<ReturnType<Looks['end']>, string>, found: Found): string | undefined {
  const { question, idle, warnings, env } = found;
  const cache = join(question.stateDir, 'cache');
  const there = fileClock(cache)();
  const looks = looksToRepeat(seen, { without: cache, behind: Date.now() - there });
  if (typeof looks === 'string') return looks;
  const layers = [...idle.wish.needed].flatMap((id) => idle.graph.layers.get(id) ?? []);
  const counted = countedAlthoughShell(layers.flatMap(({ options }) => options.environment));
  const environment = environmentDigest(env, counted);
  const until = earliest(layers, idle.facts);
  if (Number.isNaN(until)) return 'a layer was built nobody knows when';
  const common = { version: 1, key: question.key, counted, environment, warnings, ...looks } as const;
  writeAtRest(join(cache, 'at-rest.json'), {
    ...common,
    until: Number.isFinite(until) ? until : null,
    count: idle.plan.decisions.size,
  });
  return undefined;
}

/** When the first of them is too old, in ms since the epoch; infinite where none ages. */
function earliest(layers: readonly Layer[], { records }: Prepared['facts']): number {
  return layers.reduce((first, layer) => {
    const record = records.get(layer.id);
    return record === undefined ? first : Math.min(first, ageLimit(layer, record.lastBuiltAt));
  }, Number.POSITIVE_INFINITY);
}
