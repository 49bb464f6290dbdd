import { InvalidInput } from '../config/diagnostic.ts';
import type { CommandRun } from './command.ts';
import { goInside } from './inside.ts';

/** One command inside a layer. */
export const run: CommandRun = async (context) => {
  const [selector, ...argv] = context.positionals;
  const hint = 'usage: layers run LAYER -- COMMAND…';
  if (selector === undefined) throw new InvalidInput('run what, in which layer?', { hint });
  if (argv.length === 0) throw new InvalidInput(`run what inside ${selector}?`, { hint });
  return goInside(context, selector, argv);
};
