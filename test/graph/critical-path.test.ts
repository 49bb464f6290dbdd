import { expect, test } from 'vitest';
import { remainingPath } from '../../tool/src/graph/critical-path.ts';
import { graphOfParents, id } from './linking.ts';

test('the longest way to the end of a leaf, itself included', () => {
  const graph = graphOfParents({ a: 'scratch', b: 'a', c: 'a', d: 'c' });
  const durations: Record<string, number> = { a: 10, b: 100, c: 20, d: 30 };
  expect(Object.fromEntries(remainingPath(graph, (layer) => durations[layer] ?? 0))).toEqual({
    a: 110,
    b: 100,
    c: 50,
    d: 30,
  });
});

test('a chain of 10,000', () => {
  const chain = Array.from({ length: 10_000 }, (_, index) => [`l${index}`, index === 0 ? 'scratch' : `l${index - 1}`]);
  expect(remainingPath(graphOfParents(Object.fromEntries(chain)), () => 1).get(id('l0'))).toBe(10_000);
});
