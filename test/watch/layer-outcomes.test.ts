import { expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import type { Plan } from '../../tool/src/plan/plan.ts';
import type { LayerOutcome, LayerSummary } from '../../tool/src/run/events.ts';
import { LayerOutcomes } from '../../tool/src/watch/layer-outcomes.ts';

const ids = (...names: string[]) => new Set(names as LayerId[]);
const summary = (id: string, outcome: LayerOutcome) => ({ id, outcome }) as unknown as LayerSummary;

function planned(actions: Record<string, string>): Pick<Plan, 'decisions'> {
  const decisions = Object.entries(actions).map(([id, action]) => [id, { id, action }] as const);
  return { decisions: new Map(decisions) } as unknown as Plan;
}

/** What is told of `top` and `base`. */
function told(outcomes: LayerOutcomes) {
  const shown = [...outcomes.of(ids('base', 'top'))].map(([id, { outcome }]) => `${id} ${outcome}`);
  return { failing: [...outcomes.failing], shown };
}

/** A run in which `base` was built and `top` failed. */
function afterFailure(): LayerOutcomes {
  const outcomes = new LayerOutcomes();
  outcomes.looked(planned({ base: 'build', top: 'build' }), ids());
  outcomes.ended(summary('top', 'failed'));
  outcomes.ended(summary('base', 'built'));
  return outcomes;
}

const FAILED = { failing: ['top'], shown: ['top failed', 'base built'] };

test('a layer that failed is failing until it is built', () => {
  const outcomes = afterFailure();
  expect(told(outcomes)).toEqual(FAILED);
  outcomes.looked(planned({ base: 'nothing', top: 'build' }), ids('top'));
  expect(told(outcomes)).toEqual(FAILED);
  outcomes.looked(planned({ base: 'nothing', top: 'build' }), ids());
  outcomes.ended(summary('base', 'unchanged'));
  outcomes.ended(summary('top', 'built'));
  expect(told(outcomes)).toEqual({ failing: [], shown: ['base built', 'top built'] });
});

test('one whose file goes is not failing, and is again when the file comes back as it was', () => {
  const outcomes = afterFailure();
  outcomes.looked(planned({ base: 'nothing' }), ids());
  expect([...outcomes.failing]).toEqual([]);
  expect([...outcomes.of(ids('base')).keys()]).toEqual(['base']);
  // What it read is known no better.
  expect(outcomes.failed).toEqual(ids('top'));
  outcomes.looked(planned({ base: 'nothing', top: 'build' }), ids('top'));
  expect(told(outcomes)).toEqual(FAILED);
});

test('one that is taken back to its last good build is in line, and its failure no news', () => {
  const inLine = { failing: [], shown: ['base built'] };
  const byLook = afterFailure();
  byLook.looked(planned({ base: 'nothing', top: 'nothing' }), ids());
  expect(told(byLook)).toEqual(inLine);
  const meanwhile = afterFailure();
  meanwhile.ended(summary('top', 'unchanged'));
  expect(told(meanwhile)).toEqual(inLine);
});

test.each(['skipped', 'cancelled'] as const)('a turn that was %s says nothing of why it failed before', (outcome) => {
  const outcomes = afterFailure();
  outcomes.ended(summary('top', outcome));
  expect(told(outcomes)).toEqual(FAILED);
  outcomes.ended(summary('base', outcome));
  expect(told(outcomes).shown).toEqual(['top failed', `base ${outcome}`]);
});
