import { expect, test } from 'vitest';
import { choosePrunable, type Prunable, withoutLeft } from '../../tool/src/plan/prune.ts';
import { pruneLines } from '../../tool/src/report/prune-text.ts';

const DAY = 24 * 3_600_000;
const NOW = 1000 * DAY;

const item = (id: string, days: number, more: Partial<Prunable> = {}): Prunable => ({
  kind: 'image',
  id,
  text: id,
  usedAt: NOW - days * DAY,
  bytes: 1,
  layers: [],
  ...more,
});
const layers = (sizes: Record<string, number>, held: string[] = []) => ({
  sizes: new Map(Object.entries(sizes)),
  held: new Set(held),
});
const ids = (items: readonly Prunable[]) => items.map(({ id }) => id);

test('all that nothing needs goes, the oldest first; a shared layer is free with the last that holds it', () => {
  const items = [
    item('young', 1, { layers: ['base', 'young'] }),
    item('old', 5, { layers: ['base', 'old'] }),
    item('needed', 9, { layers: ['kept', 'needed'], needed: 'the tree' }),
    item('twin', 8, { layers: ['kept', 'needed'] }),
    item('on foreign', 2, { layers: ['foreign', 'own'] }),
  ];
  const stored = layers({ base: 100, young: 10, old: 20, kept: 1000, needed: 40, foreign: 5000, own: 7 }, ['foreign']);
  const choice = choosePrunable(items, stored, { now: NOW });
  expect(ids(choice.remove)).toEqual(['twin', 'old', 'on foreign', 'young']);
  expect(choice.before).toBe(5 + 100 + 10 + 20 + 1000 + 40 + 7);
  expect(choice.before - choice.after).toBe(4 + 100 + 10 + 20 + 7);
  expect([...choice.freed]).toEqual([['image', choice.before - choice.after]]);
});

test('each kind stays for its own time; an age takes the place of all of them', () => {
  const items = [
    item('image', 0),
    item('run', 29, { kind: 'run' }),
    item('old run', 31, { kind: 'run' }),
    item('failed', 6, { kind: 'failed' }),
    item('old failed', 8, { kind: 'failed' }),
    item('shared', 29, { kind: 'shared-build' }),
  ];
  expect(ids(choosePrunable(items, layers({}), { now: NOW }).remove)).toEqual(['old run', 'old failed', 'image']);
  const aged = choosePrunable(items, layers({}), { now: NOW, olderThan: 7 * DAY });
  expect(ids(aged.remove)).toEqual(['old run', 'run', 'shared', 'old failed']);
});

test('what can tell nothing any more goes at once, but not before an age that is asked for', () => {
  const items = [item('failed', 1, { kind: 'failed' }), item('built since', 1, { kind: 'failed', isSpent: true })];
  expect(ids(choosePrunable(items, layers({}), { now: NOW }).remove)).toEqual(['built since']);
  expect(ids(choosePrunable(items, layers({}), { now: NOW, olderThan: 2 * DAY }).remove)).toEqual([]);
});

test('a size takes the oldest until it fits, whatever its kind, and never what is needed', () => {
  const items = [
    item('needed', 50, { bytes: 60, needed: 'the tree' }),
    item('package', 20, { kind: 'packages', bytes: 30 }),
    item('image', 10, { bytes: 30 }),
    item('new image', 1, { bytes: 30 }),
  ];
  const to = (maxBytes: number, more = {}) => choosePrunable(items, layers({}), { now: NOW, maxBytes, ...more });
  expect(ids(to(150).remove)).toEqual([]);
  expect(ids(to(100).remove)).toEqual(['package', 'image']);
  expect(to(10)).toMatchObject({ before: 150, after: 60 });
  expect(ids(to(10, { olderThan: 15 * DAY }).remove)).toEqual(['package']);
});

test('what a container holds counts and stays, and a size still takes of the rest', () => {
  const items = [
    item('in use', 3, { layers: ['base', 'used'], needed: 'in use' }),
    item('sibling', 2, { layers: ['base', 'free'] }),
    item('failed', 1, { kind: 'failed', layers: ['base', 'of the failed'] }),
  ];
  const sizes = { base: 100, used: 10, free: 20, inside: 40, 'of the failed': 5 };
  const stored = { ...layers(sizes), inUse: new Set(['inside', 'used', 'base']) };
  expect(choosePrunable(items, stored, { now: NOW, maxBytes: 160 })).toMatchObject({
    remove: [items[1]],
    before: 3 + 175,
    after: 2 + 155,
  });
  const choice = choosePrunable(items, stored, { now: NOW, maxBytes: 0 });
  expect(choice.after).toBe(1 + 150);
  expect(choice.freed).toEqual(
    new Map([
      ['image', 21],
      ['failed', 6],
    ]),
  );
});

test('what could not be taken away is not said to be free, nor what it holds with others', () => {
  const [gone, left] = [item('gone', 2, { layers: ['base', 'gone'] }), item('left', 1, { layers: ['base', 'left'] })];
  const items = [gone, left];
  const stored = layers({ base: 100, gone: 10, left: 20 });
  const choice = choosePrunable(items, stored, { now: NOW });
  expect(withoutLeft(choice, items, stored, new Set())).toEqual(choice);
  const came = withoutLeft(choice, items, stored, new Set([left]));
  expect(came).toEqual({ remove: [gone], before: 132, after: 121, freed: new Map([['image', 11]]) });
  const report = { isDry: false, items, choice: came, left: [{ item: left, why: 'in use' }] };
  expect(pruneLines(report, true)).toEqual([
    'goes   gone',
    'stays  left: in use',
    '1 image: 11 B of 2 images',
    'left: left: in use',
    'freed 11 B (11 bytes): 132 B before, 121 B after',
  ]);
  const none = withoutLeft(choice, items, stored, new Set(items));
  expect(pruneLines({ ...report, choice: none }, false)).toEqual([
    'left: left: in use',
    'freed nothing: 132 B are there',
  ]);
});

test('a reason that several have is said once; what has one of its own is named', () => {
  const items = [item('a', 3), item('b', 2), item('c', 1), item('d', 4, { kind: 'failed' })];
  const [a, b, c, d] = items as [Prunable, Prunable, Prunable, Prunable];
  const choice = withoutLeft(choosePrunable(items, layers({}), { now: NOW }), items, layers({}), new Set(items));
  const left = [
    { item: a, why: 'full' },
    { item: c, why: 'in use' },
    { item: b, why: 'full' },
    { item: d, why: 'full' },
  ];
  expect(pruneLines({ isDry: false, items, choice, left }, false)).toEqual([
    'left: 2 images, 1 failed build: full',
    'left: c: in use',
    'freed nothing: 4 B are there',
  ]);
});
