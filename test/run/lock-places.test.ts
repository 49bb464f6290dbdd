import { expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import type { Recipe } from '../../tool/src/recipe/recipe.ts';
import { isInImage } from '../../tool/src/run/drift.ts';
import { type KnownOutside, repositoryPlaces } from '../../tool/src/run/lock-places.ts';
import { graphOf, layer, on } from '../helpers/layers.ts';

const repo = (name: string) => ({ alias: name, url: `http://${name}.example`, apt_dist: 'stable' });
const place = (name: string) => [
  `http://${name}.example/dists/stable/InRelease`,
  `http://${name}.example/dists/stable/Release`,
];
const nothing: KnownOutside = { record: () => undefined, entry: () => undefined };
const base = layer('base', {}, { repos: [repo('one')] });
const middle = layer('middle', {}, { repos: [repo('two')], cmds: ['true'] });
const top = layer('top', {}, { packages: ['x'] });
const ansible = layer('ansible', { layer_type: 'ansible', pkg_manager: undefined }, {});
const graph = graphOf([base, middle, top, ansible], { middle: on('base'), top: on('middle'), ansible: on('top') });
const of = (known: KnownOutside) => Object.fromEntries(repositoryPlaces(graph, known));

test('what installs uses its own repositories and those above it, also of layers that install nothing', () => {
  expect(of(nothing)).toEqual({
    base: [place('one')],
    middle: [],
    top: [place('one'), place('two')],
    ansible: [],
  });
});

const recorded = (settings: Readonly<Record<string, unknown>>, ...urls: string[]) => ({
  recipe: { settings } as unknown as Recipe,
  repositories: Object.fromEntries(urls.map((url) => [url, `sha256:${'a'.repeat(64)}`])),
});

test('a record says what was used, until the lines about repositories are edited', () => {
  const used = 'http://mirror.example/dists/stable/InRelease';
  const record = (id: LayerId) => (id === 'base' ? recorded({ ...base.recipe, suite: 'bookworm' }, used) : undefined);
  const known = of({ ...nothing, record });
  expect(known.base).toEqual([[used]]);
  expect(known.top).toEqual([[used], place('two')]);
  const edited = of({ ...nothing, record: (id) => (id === 'base' ? recorded({ repos: [] }, used) : undefined) });
  expect(edited.base).toEqual([place('one')]);
});

test('on a fresh machine the lock itself knows where to ask, and what the file adds', () => {
  const [release = ''] = place('one').toReversed();
  const entry = { repositories: { [release]: `sha256:${'a'.repeat(64)}`, 'http://default.example/InRelease': 'x' } };
  expect(of({ ...nothing, entry: (id) => (id === 'base' ? entry : undefined) }).base).toEqual([
    [release],
    ['http://default.example/InRelease'],
  ]);
});

test("a file is the host's only where the host reads it", () => {
  const layers = [layer('scratch'), layer('inside'), layer('forced', { force_installroot: true })];
  const files = graphOf(layers, { inside: on('scratch'), forced: on('scratch') });
  const inImage = (id: string, url: string) => isInImage(id as LayerId, url, files);
  expect(inImage('inside', 'file:///srv/InRelease')).toBe(true);
  expect(inImage('inside', 'http://x/InRelease')).toBe(false);
  expect(inImage('scratch', 'file:///srv/InRelease')).toBe(false);
  expect(inImage('forced', 'file:///srv/InRelease')).toBe(false);
});
