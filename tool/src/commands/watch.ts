import { InvalidInput } from '../config/diagnostic.ts';
import { TooManyWatches } from '../watch/observer.ts';
import type { CommandRun } from './command.ts';
import { enterUserNamespace } from './enter-user-namespace.ts';
import { answerKey } from './watch-answers.ts';
import { type Keyboard, openKeyboard } from './watch-keys.ts';
import { WatchSession } from './watch-session.ts';

/** Builds what is stale, and again whenever something changes that it is made from. */
export const run: CommandRun = async (context) => {
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
