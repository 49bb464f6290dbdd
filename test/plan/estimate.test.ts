import { expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import type { Decision } from '../../tool/src/plan/decide.ts';
import { estimate } from '../../tool/src/plan/estimate.ts';
import { estimateLines } from '../../tool/src/report/plan-estimate.ts';
import { id, link } from '../graph/linking.ts';
import { inLine } from '../helpers/facts.ts';

const MINUTE = 60_000;
const { graph } = link({
  base: {},
  kernel: { parent: 'base' },
  compute: { parent: 'kernel' },
  login: { parent: 'kernel' },
  rescue: {},
});
const minutes: Readonly<Record<string, number>> = { base: 10, kernel: 5, compute: 20, login: 3, rescue: 12 };

function factsOf(known: readonly string[]) {
  const records = [...inLine(graph).records].filter(([one]) => known.includes(one));
  const local = (size: number) => ({ local: { id: 'i', graphRoot: '', driver: 'overlay', size } });
  return {
    records: new Map(
      records.map(([one, record]) => [
        one,
        { ...record, durationMs: (minutes[one] ?? 0) * MINUTE, image: local(1_000_000_000) },
      ]),
    ),
  };
}

const all = [...graph.layers.keys()];

function decisions(actions: Readonly<Record<string, Decision['action']>>): Map<LayerId, Decision> {
  return new Map(
    Object.entries(actions).map(([one, action]) => [
      id(one),
      { id: id(one), action, reasons: [], publish: [], questions: [] },
    ]),
  );
}

const everything = decisions({
  base: 'build',
  kernel: 'pending',
  compute: 'pending',
  login: 'pending',
  rescue: 'build',
});

test.each([
  // One after the other; with two, rescue runs beside base and kernel, then login beside compute.
  [1, 50],
  [2, 35],
  [8, 35],
])('with %i jobs it takes %i minutes', (jobs, wall) => {
  const { time, build, pending } = estimate(graph, everything, factsOf(all), jobs);
  expect([build, pending]).toEqual([2, 3]);
  expect(time).toEqual({
    wallMs: wall * MINUTE,
    criticalPathMs: 35 * MINUTE,
    workMs: 50 * MINUTE,
    isLeast: false,
  });
});

test('what is in line costs nothing, and what stands on it starts at once', () => {
  const some = decisions({ base: 'nothing', kernel: 'nothing', compute: 'build', login: 'build' });
  expect(estimate(graph, some, factsOf(all), 2).time).toMatchObject({ wallMs: 20 * MINUTE, workMs: 23 * MINUTE });
  const none = estimate(graph, decisions({ base: 'nothing' }), factsOf(all), 2);
  expect(none.time.wallMs).toBe(0);
  expect(estimateLines(none, 2)).toEqual([]);
});

test('in words, with what is not known', () => {
  const sure = estimate(graph, everything, factsOf(all), 2);
  expect(estimateLines(sure, 2)).toEqual([
    'estimate: ~35 min with -j 2 (longest chain ~35 min, work ~50 min)',
    '          ~5.0 GB to build',
  ]);
  const partly = estimate(graph, everything, factsOf(['base', 'kernel']), 2);
  expect(partly).toMatchObject({ unknown: 3, bytesAreLeast: true });
  expect(estimateLines(partly, 2)).toEqual([
    'estimate: at least ~15 min with -j 2 (longest chain ~15 min, work ~15 min)',
    '          at least ~2.0 GB to build',
    '          3 layers of unknown duration',
  ]);
  expect(estimateLines(estimate(graph, everything, factsOf([]), 2), 2)).toEqual(['estimate: time not known yet']);
});

test('what is to be sent is as large as it was, else as the image', () => {
  const destination = { kind: 'registry', key: 'd' } as unknown as Decision['publish'][number];
  const publishing = decisions({ base: 'publish' });
  publishing.set(id('base'), { ...(publishing.get(id('base')) as Decision), publish: [destination] });
  const facts = factsOf(all);
  expect(estimate(graph, publishing, facts, 1)).toMatchObject({ publish: 1, unknown: 1, publishBytes: 1_000_000_000 });
  const record = facts.records.get(id('base'));
  const publication = { publishKey: '', recipe: {}, references: [], bytes: 7, at: '', durationMs: 500 };
  facts.records.set(id('base'), { ...record, publications: { d: publication } } as never);
  expect(estimate(graph, publishing, facts, 1)).toMatchObject({ unknown: 0, publishBytes: 7, time: { wallMs: 500 } });
});

test('a chain 10,000 deep and 10,000 layers side by side take no time', () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `l${index}`);
  const chain = link(
    Object.fromEntries(names.map((name, index) => [name, index === 0 ? {} : { parent: `l${index - 1}` }])),
  );
  const build = decisions(Object.fromEntries(names.map((name) => [name, 'build' as const])));
  const started = performance.now();
  expect(estimate(chain.graph, build, { records: new Map() }, 4).unknown).toBe(10_000);
  expect(performance.now() - started).toBeLessThan(2000);
});
