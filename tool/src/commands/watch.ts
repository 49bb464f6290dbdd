import { InvalidInput } from '../config/diagnostic.ts';
import { TooManyWatches } from '../watch/observer.ts';
import type { CommandContext, CommandRun } from './command.ts';
import { enterUserNamespace } from './enter-user-namespace.ts';
import { answerKey } from './watch-answers.ts';
import { type Keyboard, openKeyboard } from './watch-keys.ts';
import { WatchSession } from './watch-session.ts';

/** Builds what is stale, and again whenever something changes that it is made from. */
export const run: CommandRun = async (context) => {
  enterSmallHeap(context.env);
  // Now: later it would start the watch over.
  enterUserNamespace(context);
  const session = new WatchSession(context);
  const keyboard: Keyboard = openKeyboard((key) => answerKey(session, key, keyboard));
  try {
    await session.live();
  } catch (error) {
    if (error instanceof TooManyWatches) throw new InvalidInput(error.message, { hint: error.hint, cause: error });
    throw error;
  } finally {
    keyboard.pause();
  }
  return 0;
};

/** A watch lives long and does little: the young generation's usual size would be half of its memory, and only V8's start decides it. */
const SMALL_HEAP = '--max-semi-space-size=1';

/** Starts the same command line again with it, in this very process. */
function enterSmallHeap(env: CommandContext['env']): void {
  if (process.execArgv.includes(SMALL_HEAP)) return;
  const words = [process.execPath, SMALL_HEAP, ...process.execArgv, ...process.argv.slice(1)];
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  process.execve?.(process.execPath, words, Object.fromEntries(given));
}
