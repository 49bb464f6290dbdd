import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { LayerId } from '../config/layer.ts';
import { goInside } from './inside.ts';
import type { Keyboard, WatchKey } from './watch-keys.ts';
import type { WatchSession } from './watch-session.ts';

const LOG_LINES = 30;

/** Does what a key asks for. */
export function answerKey(session: WatchSession, key: WatchKey, keyboard: Keyboard): void {
  switch (key) {
    case 'rebuild':
      session.rebuild();
      break;
    case 'why':
      session.screen.print(whyLines(session));
      break;
    case 'log':
      session.screen.print(logLines(session));
      break;
    case 'shell':
      void shell(session, keyboard);
      break;
    case 'quit':
      session.quit();
  }
}

/** The layer that was worked on last: where its build failed, if that container was kept, else in its last image. */
export function roomOf({ summaries, layers }: Pick<WatchSession, 'summaries' | 'layers'>): Room | undefined {
  const last = [...summaries.values()].findLast(({ outcome }) => outcome !== 'skipped');
  const id = last?.id ?? [...layers].at(-1);
  return id === undefined ? undefined : { id, ...(last?.failure?.kept !== undefined && { at: 'failed' as const }) };
}

/** What `layers shell ID [--at failed]` enters. */
interface Room {
  readonly id: LayerId;
  readonly at?: 'failed';
}

/** A shell in there; the terminal is its own meanwhile, and changes wait. */
async function shell(session: WatchSession, keyboard: Keyboard): Promise<void> {
  const room = roomOf(session);
  if (room === undefined) return;
  if (!session.isAtRest) {
    session.screen.print(['a shell can be opened when nothing is being built']);
    return;
  }
  await session.away(async (context) => {
    keyboard.pause();
    try {
      const { id, ...at } = room;
      await goInside({ ...context, values: { ...context.values, ...at } }, id, undefined);
    } finally {
      keyboard.resume();
    }
  });
}

/** What is to be done and why, by the last plan; of what failed, how. */
function whyLines({ prepared, summaries }: WatchSession): string[] {
  const decisions = [...(prepared?.plan.decisions.values() ?? [])].filter(({ action }) => action !== 'nothing');
  const planned = decisions.map(({ id, action, reasons }) => {
    return `${id}: ${action}: ${reasons.map(({ text }) => text).join('; ')}`;
  });
  const failed = [...summaries.values()].flatMap(({ id, failure }) => {
    return failure === undefined ? [] : [`${id}: failed: ${failure.message}`];
  });
  const lines = [...planned, ...failed];
  return lines.length > 0 ? lines : ['nothing was to be done when the tree was read last'];
}

/** The end of a log: of a layer that failed, else of the one that was worked on last. */
function logLines({ prepared, summaries }: WatchSession): string[] {
  const all = [...summaries.values()].filter(({ log }) => log !== undefined);
  const chosen = all.findLast(({ outcome }) => outcome === 'failed') ?? all.at(-1);
  if (prepared === undefined || chosen?.log === undefined) return ['no layer was worked on yet'];
  const file = resolve(prepared.root, chosen.log);
  try {
    return [file, ...readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LOG_LINES)];
  } catch (error) {
    return [(error as Error).message];
  }
}
