import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cycleLeft, cyclesOf, neededGraph, topologicalOrder } from '../../tool/src/graph/order.ts';

/** A forest: every node's parent comes before it in the list, or is none. */
const forest = fc.array(fc.nat(), { maxLength: 60 }).map((picks) => {
  const parents = new Map<string, string | undefined>();
  picks.forEach((pick, index) => {
    parents.set(`n${index}`, index === 0 || pick % 4 === 0 ? undefined : `n${pick % index}`);
  });
  return parents;
});

const anyLinks = fc.array(fc.nat(), { minLength: 1, maxLength: 40 }).map((picks) => {
  return new Map(picks.map((pick, index) => [`n${index}`, pick % 5 === 0 ? undefined : `n${pick % picks.length}`]));
});

const above = (parents: ReadonlyMap<string, string | undefined>) => (id: string) => {
  const parent = parents.get(id);
  return parent === undefined ? [] : [parent];
};

describe('the order', () => {
  test('has every node once, parents first, and does not depend on the order of the input', () => {
    fc.assert(
      fc.property(forest, fc.infiniteStream(fc.nat()), (parents, shuffle) => {
        const order = topologicalOrder(neededGraph(parents.keys(), above(parents)));
        expect(order.toSorted()).toEqual([...parents.keys()].sort());
        for (const [id, parent] of parents) {
          if (parent !== undefined) expect(order.indexOf(parent)).toBeLessThan(order.indexOf(id));
        }
        const keyed = [...parents.keys()].map((id) => [shuffle.next().value, id] as const);
        const shuffled = keyed.toSorted(([one], [other]) => one - other).map(([, id]) => id);
        expect(topologicalOrder(neededGraph(shuffled, above(parents)))).toEqual(order);
      }),
    );
  });

  test('takes the least of what is ready', () => {
    const parents = new Map([
      ['c', undefined],
      ['b', 'c'],
      ['a', undefined],
      ['d', 'a'],
    ] as [string, string | undefined][]);
    expect(topologicalOrder(neededGraph(parents.keys(), above(parents)))).toEqual(['a', 'c', 'b', 'd']);
  });

  test('leaves out cycles and what stands on them; those are found once each', () => {
    fc.assert(
      fc.property(anyLinks, (parents) => {
        const parentOf = (id: string) => parents.get(id);
        const order = topologicalOrder(neededGraph(parents.keys(), above(parents)));
        const cycles = cyclesOf(parents.keys(), parentOf);
        const members = cycles.flat();
        expect(new Set(members).size).toBe(members.length);
        for (const cycle of cycles) {
          for (const [index, id] of cycle.entries()) expect(parentOf(id)).toBe(cycle[(index + 1) % cycle.length]);
          expect(cycle[0]).toBe(cycle.toSorted()[0]);
        }
        expect(order.length === parents.size).toBe(cycles.length === 0);
      }),
    );
  });

  test('a chain of 10,000, and a cycle as long', () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => `n${String(index).padStart(5, '0')}`);
    const parents = new Map(ids.map((id, index) => [id, ids[index - 1]]));
    expect(topologicalOrder(neededGraph(ids.toReversed(), above(parents)))).toEqual(ids);
    parents.set(ids[0]!, ids.at(-1));
    expect(cyclesOf(ids, (id) => parents.get(id))[0]).toHaveLength(10_000);
    expect(topologicalOrder(neededGraph(ids, above(parents)))).toEqual([]);
  });

  test('a cycle that keeps nodes out is found, whatever else waits for it', () => {
    const needs: Record<string, string[]> = { a: [], b: ['a', 'd'], c: ['b'], d: ['c', 'a'], e: ['d'], f: ['f'] };
    const graph = neededGraph(Object.keys(needs), (id) => needs[id] ?? []);
    const order = topologicalOrder(graph);
    expect(order).toEqual(['a']);
    expect(cycleLeft(graph, order)).toEqual(['b', 'd', 'c']);
    const whole = neededGraph(['a', 'b'] as string[], (id) => (id === 'b' ? ['a', 'a', 'elsewhere'] : []));
    expect(topologicalOrder(whole)).toEqual(['a', 'b']);
    expect(cycleLeft(whole, ['a', 'b'])).toBeUndefined();
  });
});
