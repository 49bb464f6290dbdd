import { describe, expect, test } from 'vitest';
import { expandArchitectures } from '../../tool/src/graph/architectures.ts';
import { notBuiltHere } from '../../tool/src/graph/builds-here.ts';
import type { LayerGraph, ParentLink } from '../../tool/src/graph/layer-graph.ts';
import { select } from '../../tool/src/graph/select.ts';
import { id, link } from './linking.ts';

const BOTH = { architectures: ['amd64', 'arm64'] };

function expand(layers: Parameters<typeof link>[0], machine = 'amd64') {
  const linked = link(layers);
  expect(linked.problems).toEqual([]);
  return expandArchitectures(linked.graph, machine);
}

const parentsIn = (graph: LayerGraph) => {
  const shown = (parent: ParentLink) => (parent.kind === 'layer' ? parent.id : parent);
  return Object.fromEntries([...graph.parents].map(([child, parent]) => [child, shown(parent)]));
};

const { graph } = expand({
  base: { ...BOTH },
  compute: { ...BOTH, parent: 'base' },
  'hpc/gpu': { architectures: ['arm64'], parent: 'compute' },
  plain: { parent: 'base' },
  elsewhere: { ...BOTH, parent: 'r.example/rocky:9' },
});

describe('a layer of several architectures', () => {
  test('is one layer an architecture, each on its parent of that architecture', () => {
    expect(parentsIn(graph)).toEqual({
      base: { kind: 'scratch' },
      'base@arm64': { kind: 'scratch' },
      compute: 'base',
      'compute@arm64': 'base@arm64',
      'hpc/gpu': 'compute@arm64',
      plain: 'base',
      elsewhere: { kind: 'external', reference: 'r.example/rocky:9', architecture: 'amd64' },
      'elsewhere@arm64': { kind: 'external', reference: 'r.example/rocky:9', architecture: 'arm64' },
    });
    expect(graph.layers.get(id('compute@arm64'))).toMatchObject({ architecture: 'arm64', file: 'layers/compute.yaml' });
    expect(graph.children.get(id('base@arm64'))).toEqual(['compute@arm64']);
    const positions = new Map(graph.order.map((one, index) => [one, index]));
    for (const [child, one] of graph.parents) {
      if (one.kind === 'layer') expect(positions.get(one.id)).toBeLessThan(positions.get(child) as number);
    }
  });

  test('keeps its ids when its list grows, on every machine', () => {
    const more = { architectures: ['amd64', 'arm64', 'riscv64'] };
    for (const machine of ['amd64', 'arm64']) {
      const ids = [...expand({ base: more }, machine).graph.layers.keys()];
      expect(ids).toEqual(['base', 'base@arm64', 'base@riscv64']);
    }
  });

  test('what names no architecture stands on that of the machine', () => {
    const files = { base: { ...BOTH }, plain: { parent: 'base' } };
    expect(parentsIn(expand(files, 'arm64').graph)).toMatchObject({ plain: 'base@arm64' });
    const onOther = expand(files, 's390x').graph;
    expect(parentsIn(onOther)).toMatchObject({ plain: 'base' });
    const here = notBuiltHere(onOther, { architecture: 's390x', builds: new Set(['s390x']) });
    expect(here.get(id('plain'))).toBe('it is for s390x, and its parent base for amd64');
  });

  test('a tree without `architectures` stays the very same', () => {
    const { graph: before } = link({ base: {}, child: { parent: 'base' } });
    expect(expandArchitectures(before, 'amd64')).toEqual({ graph: before, diagnostics: [] });
    expect(expandArchitectures(before, 'amd64').graph).toBe(before);
  });

  test.each([
    [{ base: {}, child: { ...BOTH, parent: 'base' } }, 'it is built for one machine only', '[amd64, arm64]'],
    [
      { base: { architectures: ['amd64'] }, child: { ...BOTH, parent: 'base' } },
      'it is built for amd64',
      '[amd64, arm64]',
    ],
    [{ base: { ...BOTH }, child: { architectures: ['s390x'], parent: 'base' } }, 'amd64 and arm64', 's390x]'],
  ])('its parent has to be built for all of them %#', (files, message, hint) => {
    const [problem, ...others] = expand(files).diagnostics;
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ code: 'parent-architecture', file: 'layers/child.yaml' });
    expect(problem?.message).toContain(message);
    expect(problem?.hint).toContain(hint);
    expect(problem?.related).toMatchObject([{ file: 'layers/base.yaml' }]);
  });

  test('a single one on a parent that names none is for machines of that architecture', () => {
    const { graph: own, diagnostics } = expand({ base: {}, child: { architectures: ['amd64'], parent: 'base' } });
    expect(diagnostics).toEqual([]);
    const on = (architecture: string) => [
      ...notBuiltHere(own, { architecture, builds: new Set(['amd64', 'arm64']) }).values(),
    ];
    expect(on('amd64')).toEqual([]);
    expect(on('arm64')).toEqual(['it is for amd64, and its parent base for arm64']);
  });

  test('a file that has the name of one of them', () => {
    const [problem] = expand({ base: { ...BOTH }, 'base@arm64': { name: 'other' } }).diagnostics;
    expect(problem).toMatchObject({ code: 'duplicate-id', file: 'layers/base@arm64.yaml' });
  });
});

test.each([
  ['compute', 'compute compute@arm64'],
  ['compute@amd64', 'compute'],
  ['compute@arm64', 'compute@arm64'],
  ['layers/compute.yaml', 'compute compute@arm64'],
  ['*@arm64', 'base@arm64 compute@arm64 elsewhere@arm64'],
  ['gpu', 'hpc/gpu'],
  ['...base@arm64', 'base@arm64 compute@arm64 hpc/gpu'],
  ['hpc/gpu...', 'base@arm64 compute@arm64 hpc/gpu'],
])('the selector %s', (selector, named) => {
  const chosen = [...select(graph, { selectors: [selector] }).named];
  expect(chosen.sort().join(' ')).toBe(named);
});

test('what a machine does not build, and what stands on it', () => {
  const left = notBuiltHere(graph, { architecture: 'amd64', builds: new Set(['amd64']) });
  expect([...left.keys()].sort()).toEqual(['base@arm64', 'compute@arm64', 'elsewhere@arm64', 'hpc/gpu']);
});
