import { InvalidInput } from '../config/diagnostic.ts';
import type { LayerId } from '../config/layer.ts';
import type { InputSet } from '../recipe/input-set.ts';
import type { CommandContext } from './command.ts';
import type { Prepared } from './prepare.ts';

/** Layer → what the run that made its image of the files of now depended on. A layer of which no such image is known is left out. */
export type SetsOf = (ids: readonly LayerId[]) => Promise<ReadonlyMap<LayerId, InputSet>>;

/**
 * Finds the sets as a plan does, in this machine's memory and in the shared one. A set of a run on other files does not tell what the
 * files of now make a playbook read, so that only an image that a plan would take counts.
 * @param planOf plans the layers that are selected by their ids
 */
export function setsByPlan(
  context: CommandContext,
  planOf: (context: CommandContext, selectors: readonly string[]) => Promise<Pick<Prepared, 'plan' | 'facts'>>,
): SetsOf {
  const { cache } = context.values;
  // What is published and what moved outside are for the plan that follows.
  const quiet: CommandContext = {
    ...context,
    values: { 'no-publish': true, ...(cache !== undefined && { cache }) },
    env: { ...context.env, CI: undefined },
    warn: () => {},
  };
  return async (ids) => {
    try {
      const { plan, facts } = await planOf(quiet, ids);
      const sets = new Map<LayerId, InputSet>();
      for (const id of ids) {
        const { action, adopted } = plan.decisions.get(id) ?? {};
        const set = action === 'nothing' || action === 'publish' ? facts.records.get(id)?.inputSet : adopted?.inputSet;
        if (set !== undefined) sets.set(id, set);
      }
      return sets;
    } catch (error) {
      // A file that cannot be used is for the plan that follows to tell.
      if (!(error instanceof InvalidInput)) throw error;
      return new Map();
    }
  };
}
