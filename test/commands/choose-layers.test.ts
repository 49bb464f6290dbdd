import { expect, test } from 'vitest';
import { chooseLayers, refuseElsewhere } from '../../tool/src/commands/choose-layers.ts';
import { InvalidInput } from '../../tool/src/config/diagnostic.ts';
import { expandArchitectures } from '../../tool/src/graph/architectures.ts';
import { link } from '../graph/linking.ts';

const { graph } = expandArchitectures(
  link({
    base: { architectures: ['amd64', 'arm64'] },
    compute: { architectures: ['amd64', 'arm64'], parent: 'base' },
    board: { architectures: ['arm64'], parent: 'base' },
  }).graph,
  'amd64',
);
const machine = (...builds: string[]) => ({
  architecture: builds[0] ?? '',
  builds: new Set(builds),
  emulation: '--emulate builds them here',
});

test('everything: what others build is left to them, and said', () => {
  const { named, note } = chooseLayers(graph, { selectors: [] }, machine('amd64', '386'));
  expect([...named]).toEqual(['base', 'compute']);
  expect(note).toBe('left to other machines: arm64 (base@arm64, board, compute@arm64); --emulate builds them here');
  const all = chooseLayers(graph, { selectors: [] }, machine('amd64', 'arm64'));
  expect([all.named.size, all.note]).toEqual([5, undefined]);
});

test('a layer by name is what of it can be built here, with what that stands on', () => {
  const { named, needed } = chooseLayers(graph, { selectors: ['compute'] }, machine('arm64'));
  expect([...named]).toEqual(['compute@arm64']);
  expect([...needed]).toEqual(['base@arm64', 'compute@arm64']);
  const within = new Set([...graph.layers.keys()].filter((id) => id !== 'compute'));
  expect(chooseLayers(graph, { selectors: [], within }, machine('amd64')).named).toEqual(new Set(['base']));
});

test.each([['board'], ['compute@arm64'], ['base', 'board']])(
  'what is named and of which nothing can be built: %s',
  (...selectors) => {
    const refused = () => chooseLayers(graph, { selectors }, machine('amd64'));
    expect(refused).toThrow(InvalidInput);
    expect(refused).toThrow('this machine builds images for amd64');
  },
);

test('image-build, which builds all or nothing, says what is missing', () => {
  expect(() => refuseElsewhere(graph, machine('amd64', 'arm64'))).not.toThrow();
  expect(() => refuseElsewhere(graph, machine('amd64'))).toThrow(
    expect.objectContaining({ hint: '--emulate builds them here' }),
  );
});
