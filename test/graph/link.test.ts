import { describe, expect, test } from 'vitest';
import { linkLayers } from '../../tool/src/graph/link.ts';
import { codes, treeOf } from '../config/reading.ts';
import { layer } from '../helpers/layers.ts';
import { id, link } from './linking.ts';

const REGISTRY = { publish_registry: 'reg.example:5000/hpc', publish_tags: ['9.5', 'latest'] };

describe('a parent in the tree', () => {
  test.each([
    [REGISTRY, 'reg.example:5000/hpc/base:9.5'],
    [REGISTRY, 'docker://reg.example:5000/hpc/base:latest'],
    [REGISTRY, 'reg.example:5000/hpc/base'],
    [{ ...REGISTRY, publish_registry: 'docker://reg.example:5000/hpc/' }, 'reg.example:5000/hpc/base:9.5'],
    [{ publish_local: true }, 'localhost/base:latest'],
    [{ publish_local: true, publish_tags: ['1'] }, 'base:1'],
    [{ publish_local: true }, 'containers-storage:base'],
    [{ publish_registry: 'oci:images' }, 'oci:./images/base:latest'],
    [{ publish_registry: 'oci:./images/' }, 'oci:images/base'],
    [{}, 'base'],
    [{ name: 'other', ...REGISTRY }, 'base'],
    [{ name: 'rocky-base', ...REGISTRY }, 'rocky-base'],
  ])('%j published, %s wanted', (published, parent) => {
    const { graph, problems } = link({ base: published, child: { parent } });
    expect(problems).toEqual([]);
    expect(graph.parents.get(id('child'))).toMatchObject({ kind: 'layer', id: 'base' });
    expect(graph.children.get(id('base'))).toEqual(['child']);
    expect(graph.order).toEqual(['base', 'child']);
  });

  test('the link names the reference that is published', () => {
    const { graph } = link({
      base: REGISTRY,
      one: { parent: 'base' },
      two: { parent: 'docker://reg.example:5000/hpc/base' },
    });
    expect(graph.parents.get(id('one'))).toMatchObject({ reference: 'reg.example:5000/hpc/base:9.5' });
    expect(graph.parents.get(id('two'))).toMatchObject({ reference: 'reg.example:5000/hpc/base:latest' });
  });

  test('a reference counts before a name', () => {
    const { graph } = link({
      a: { name: 'x', publish_registry: 'reg.example' },
      b: { name: 'y', publish_local: true },
      'd/y': {},
      c: { parent: 'y' },
    });
    expect(graph.parents.get(id('c'))).toMatchObject({ id: 'b' });
  });
});

describe('a parent from elsewhere', () => {
  test.each([
    ['docker.io/library/debian:12', 'docker.io/library/debian:12'],
    ['debian', 'debian:latest'],
    ['docker://quay.io/a/b', 'quay.io/a/b:latest'],
    [`quay.io/a/b@sha256:${'1'.repeat(64)}`, `quay.io/a/b@sha256:${'1'.repeat(64)}`],
    ['oci:downloads/small:1', 'oci:downloads/small:1'],
  ])('%s', (parent, reference) => {
    const { graph, problems } = link({ child: { parent } });
    expect(problems).toEqual([]);
    expect(graph.parents.get(id('child'))).toEqual({ kind: 'external', reference });
  });

  test('an S3 object or an unpublished name with a tag is no parent', () => {
    const { graph } = link({ base: { publish_s3: 'http://s3' }, child: { parent: 'base:1' } });
    expect(graph.parents.get(id('child'))).toMatchObject({ kind: 'external' });
  });
});

describe('near misses', () => {
  test.each([
    ['another tag', REGISTRY, 'reg.example:5000/hpc/base:9.4'],
    ['another registry', REGISTRY, 'old.example/hpc/base:9.5'],
    ['published elsewhere than in local storage', REGISTRY, 'base:9.5'],
    ['another tag of a local image', { publish_local: true, publish_tags: ['1'] }, 'localhost/base:2'],
    ['another folder', { publish_registry: 'oci:images' }, 'oci:image/base:latest'],
    ['only on S3', { publish_s3: 'http://s3' }, 'reg.example/base:latest'],
  ])('%s', (_, published, parent) => {
    const { graph, diagnostics } = link({ base: published, child: { parent } });
    expect(diagnostics).toMatchObject([
      { severity: 'warning', code: 'near-miss', file: 'layers/child.yaml', related: [{ file: 'layers/base.yaml' }] },
    ]);
    expect(diagnostics[0]?.message).toMatch(/`base`/);
    expect(graph.parents.get(id('child'))).toMatchObject({ kind: 'external' });
  });

  test.each([
    ['an official image of the same name', { name: 'debian', publish_tags: ['12'] }, 'docker.io/library/debian:12'],
    ['other registry and other tag', REGISTRY, 'quay.io/else/base:1'],
    ['a digest', REGISTRY, `reg.example:5000/hpc/base@sha256:${'1'.repeat(64)}`],
  ])('not: %s', (_, published, parent) => {
    expect(link({ base: published, child: { parent } }).problems).toEqual([]);
  });

  test('a layer that stands on an older image of its own name', () => {
    expect(link({ base: { ...REGISTRY, parent: 'reg.example:5000/hpc/base:9.4' } }).problems).toEqual([]);
  });
});

describe('errors', () => {
  test('two layers publish one reference: both files, once', () => {
    const { diagnostics } = link({ a: { ...REGISTRY, name: 'x' }, b: { ...REGISTRY, name: 'x' } });
    expect(diagnostics).toMatchObject([
      { code: 'duplicate-reference', file: 'layers/b.yaml', related: [{ file: 'layers/a.yaml' }] },
    ]);
  });

  test('equal names with other references are fine', () => {
    expect(
      link({
        a: { name: 'x', publish_tags: ['1'], publish_local: true },
        b: { name: 'x', publish_tags: ['2'], publish_local: true },
      }).problems,
    ).toEqual([]);
  });

  test('a bare name of several layers names their files', () => {
    const { diagnostics } = link({ 'a/x': {}, 'b/x': {}, c: { parent: 'x' } });
    expect(diagnostics).toMatchObject([
      { code: 'ambiguous-parent', related: [{ file: 'layers/a/x.yaml' }, { file: 'layers/b/x.yaml' }] },
    ]);
    expect(link({ 'a/x': {}, 'b/x': {}, c: { parent: 'b/x' } }).problems).toEqual([]);
  });

  test('what is neither a layer nor a reference', () => {
    const { diagnostics } = link({ 'Rocky/Base': {}, c: { parent: 'Rocky/Bsae' } });
    expect(diagnostics).toMatchObject([{ code: 'unknown-parent', hint: 'did you mean `Rocky/Base`?' }]);
  });

  test('a layer on itself', () => {
    expect(link({ a: { name: 'debian', parent: 'debian' } }).diagnostics).toMatchObject([
      { code: 'self-parent', hint: expect.stringContaining('docker.io/library/debian') },
    ]);
    const own = { name: 'base', publish_registry: 'r.example/x', publish_tags: '1', parent: 'r.example/x/base:1' };
    const [problem] = link({ a: own }).diagnostics;
    expect(problem).toMatchObject({
      code: 'self-parent',
      hint: expect.stringContaining('`r.example/x/base:1` itself'),
    });
    expect(problem?.hint).not.toContain('docker.io');
  });

  test('a cycle: its path and all its files; the graph is acyclic all the same', () => {
    const { graph, diagnostics } = link({
      a: { parent: 'c' },
      b: { parent: 'a' },
      c: { parent: 'b' },
      d: { parent: 'c' },
    });
    expect(diagnostics).toMatchObject([
      {
        code: 'cycle',
        message: 'The parents form a cycle: a → c → b → a',
        file: 'layers/a.yaml',
        related: [{ file: 'layers/c.yaml' }, { file: 'layers/b.yaml' }],
      },
    ]);
    expect(graph.order).toEqual(['a', 'b', 'c', 'd']);
  });

  test('point at the line of the parent, or of the name', () => {
    const text = (name: string, parent: string) =>
      `options:\n  layer_type: base\n  pkg_manager: apt\n  name: ${name}\n  parent: ${parent}\n  publish_local: true\n`;
    const { tree, places } = treeOf({
      a: text('a', 'b'),
      b: text('b', 'a'),
      c: text('c', 'scratch'),
      d: text('c', 'scratch'),
    });
    expect(codes(linkLayers(tree.layers, places).diagnostics)).toEqual(['4:9 duplicate-reference', '5:11 cycle']);
  });
});

describe('10,000 layers', () => {
  const many = (parentOf: (index: number) => string) =>
    Array.from({ length: 10_000 }, (_, index) =>
      layer(`l${index}`, { parent: parentOf(index), publish_registry: 'reg.example' }),
    );

  test('as one chain, as a fan, and as one cycle', () => {
    const chain = many((index) => (index === 0 ? 'scratch' : `reg.example/l${index - 1}`));
    const { graph, diagnostics } = linkLayers(chain);
    expect(diagnostics).toEqual([]);
    expect(graph.order.at(-1)).toBe('l9999');
    expect(linkLayers(many((index) => (index === 0 ? 'scratch' : 'l0'))).graph.children.get(id('l0'))).toHaveLength(
      9999,
    );
    const cycle = linkLayers(many((index) => `l${(index + 1) % 10_000}`)).diagnostics;
    expect(cycle).toMatchObject([{ code: 'cycle' }]);
    expect(cycle[0]?.related).toHaveLength(9999);
    expect(cycle[0]?.message.length).toBeLessThan(200);
  });
});

describe('a tools image', () => {
  const dnf = { pkg_manager: 'dnf' };

  test('is a layer of the tree, which comes before, or an image from elsewhere', () => {
    const { graph, problems } = link({
      a: { ...dnf, tools_image: 'tools' },
      b: { ...dnf, parent: 'tools', tools_image: 'docker://docker.io/library/rocky' },
      c: { tools_image: 'tools' },
      tools: {},
    });
    expect(problems).toEqual([]);
    expect(graph.tools.get(id('a'))).toMatchObject({ kind: 'layer', id: 'tools' });
    expect(graph.tools.get(id('b'))).toEqual({ kind: 'external', reference: 'docker.io/library/rocky:latest' });
    // apt needs none.
    expect(graph.tools.has(id('c'))).toBe(false);
    expect(graph.order).toEqual(['c', 'tools', 'a', 'b']);
    expect(graph.children.get(id('tools'))).toEqual(['a', 'b']);
  });

  test('that needs the layer itself, or that nobody knows, is told where it is written', () => {
    const cycle = link({ a: { ...dnf, tools_image: 'b' }, b: { ...dnf, parent: 'c' }, c: { parent: 'a' } });
    expect(cycle.problems).toEqual(['cycle layers/a.yaml']);
    expect(cycle.diagnostics[0]?.message).toContain('a → b → c → a');
    expect(cycle.graph.order).toHaveLength(3);
    const itself = link({ a: { ...dnf, tools_image: 'a' } });
    expect(itself.diagnostics[0]?.message).toBe('`a` is its own tools image');
    expect(link({ a: { ...dnf, tools_image: 'No/Such' } }).problems).toEqual(['unknown-tools-image layers/a.yaml']);
  });
});
