import { InvalidInput } from '../config/diagnostic.ts';
import type { CommandRun } from './command.ts';
import { goInside } from './inside.ts';

/** A shell inside a layer. */
export const run: CommandRun = async (context) => {
  const [selector] = context.positionals;
  if (selector === undefined) throw new InvalidInput('a shell in which layer?', { hint: 'usage: layers shell LAYER' });
  return goInside(context, selector, undefined);
};
