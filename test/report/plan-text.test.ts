import { expect, test } from 'vitest';
import type { PlannedLayer } from '../../tool/src/plan/planned-layer.ts';
import { planJson, planLines } from '../../tool/src/report/plan-text.ts';
import { recorded } from './recorded.ts';

const [started] = recorded('failing');
const plan: readonly PlannedLayer[] = started?.type === 'run-started' ? started.plan : [];

test('what would be done and why, in build order; what is up to date in one line', () => {
  expect(planLines(plan, { colour: false })).toMatchInlineSnapshot(`
    [
      "build    debian/base     packages: + htop",
      "                         files/motd changed",
      "pending  debian/kernel   parent debian/base is built first",
      "pending  debian/compute  parent debian/kernel is built first",
      "publish  debian/login    new tag 12.1",
      "pending  debian/gpu      parent debian/compute is built first",
      "up to date: tools/rescue",
      "6 layers: 1 to build, 1 to publish, 3 pending, 1 up to date",
    ]
  `);
});

test('many layers that are up to date', () => {
  const fresh = plan.flatMap((layer) =>
    Array.from({ length: 20 }, () => ({ ...layer, action: 'nothing' as const, reasons: [] })),
  );
  const lines = planLines(fresh, { colour: false });
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^up to date: .* and 112 more$/);
  expect(lines[1]).toBe('120 layers: 120 up to date');
});

test('an empty plan', () => expect(planLines([], { colour: false })).toEqual(['0 layers']));

test('the document holds what is promised and nothing else', () => {
  const [first] = plan;
  if (first === undefined) throw new Error('fixture');
  const document = planJson([{ ...first, surplus: 1 } as PlannedLayer]);
  expect(document).toEqual({ version: 1, layers: [first] });
});

test('reasons of its own come before inherited ones, which say where they come from', () => {
  const [first] = plan;
  const reasons = [
    { code: 'parent-changed', text: 'parent base has other content', from: first?.id },
    { code: 'list-changed', text: 'packages: + htop' },
  ];
  const layer = { ...first, reasons } as PlannedLayer;
  expect(planJson([layer]).layers[0]?.reasons).toEqual([reasons[1], reasons[0]]);
  expect(planLines([layer], { colour: false })[0]).toContain('packages: + htop');
});
