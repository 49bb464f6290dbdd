import { expect, test } from 'vitest';
import { roomOf } from '../../tool/src/commands/watch-answers.ts';
import type { LayerId } from '../../tool/src/config/layer.ts';
import type { LayerSummary } from '../../tool/src/run/events.ts';

const layers = new Set(['base', 'top', 'leaf'] as LayerId[]);
const KEPT = { code: 'command', message: 'no', kept: { step: 'cmds' } } as const;

function room(...worked: (Partial<Omit<LayerSummary, 'id'>> & { id: string })[]): unknown {
  const summaries = new Map(worked.map((one) => [one.id as LayerId, one as unknown as LayerSummary]));
  return roomOf({ summaries, layers });
}

test('a shell is opened in the layer that was worked on last, where its build failed if that was kept', () => {
  expect(room()).toEqual({ id: 'leaf' });
  expect(room({ id: 'top', outcome: 'failed', failure: KEPT }, { id: 'base', outcome: 'built' })).toEqual({
    id: 'base',
  });
  const failed = { id: 'top', outcome: 'failed', failure: KEPT } as const;
  expect(room({ id: 'base', outcome: 'built' }, failed)).toEqual({ id: 'top', at: 'failed' });
  // What stands on it comes after it, and was not worked on.
  expect(room(failed, { id: 'leaf', outcome: 'skipped' })).toEqual({ id: 'top', at: 'failed' });
});

test('a build that failed before there was a container has nothing to enter but the last image', () => {
  const early = { code: 'build', message: 'no' } as const;
  expect(room({ id: 'top', outcome: 'failed', failure: early })).toEqual({ id: 'top' });
});
