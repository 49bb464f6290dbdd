import { describe, expect, test } from 'vitest';
import { id, link } from './linking.ts';

const BASE = { publish_registry: 'registry.example:5000/site', publish_tags: ['9', 'latest'] };
const GROUPS = [['registry.example:5000', 'localhost:5000', 'images.example']];

describe('names that layers.yaml says are one registry', () => {
  test.each([
    ['localhost:5000/site/base:9', 'registry.example:5000/site/base:9'],
    ['docker://images.example/site/base', 'registry.example:5000/site/base:latest'],
    ['IMAGES.example/site/base:9', 'registry.example:5000/site/base:9'],
    ['registry.example:5000/site/base:9', 'registry.example:5000/site/base:9'],
  ])('%s is the layer that publishes %s', (parent, reference) => {
    const { graph, problems, unsure } = link({ base: BASE, child: { parent } }, { groups: GROUPS });
    expect([problems, unsure]).toEqual([[], []]);
    expect(graph.parents.get(id('child'))).toEqual({ kind: 'layer', id: 'base', reference });
  });

  test('it does not matter which of them the layer publishes under', () => {
    const published = { ...BASE, publish_registry: 'images.example/site' };
    const { graph } = link({ base: published, child: { parent: 'localhost:5000/site/base:9' } }, { groups: GROUPS });
    expect(graph.parents.get(id('child'))).toMatchObject({ id: 'base', reference: 'images.example/site/base:9' });
  });

  test('a name ends at a slash, and its port belongs to it', () => {
    for (const parent of ['localhost:50001/site/base:9', 'localhost/site/base:9', 'images.example.org/site/base:9']) {
      const { graph } = link({ base: BASE, child: { parent } }, { groups: GROUPS });
      expect(graph.parents.get(id('child'))).toMatchObject({ kind: 'external' });
    }
  });

  test('paths may be other ones too, and of a path and its host the path counts', () => {
    const groups = [
      ['registry.example:5000', 'a.example'],
      ['registry.example:5000/site', 'b.example/hpc', 'a.example/moved'],
    ];
    for (const parent of ['b.example/hpc/base:9', 'a.example/moved/base:9', 'a.example/site/base:9']) {
      const { graph } = link({ base: BASE, child: { parent } }, { groups });
      expect([parent, graph.parents.get(id('child'))]).toMatchObject([parent, { kind: 'layer', id: 'base' }]);
    }
  });

  test('groups whose first names lie in one another come to an end', () => {
    const groups = [
      ['a.example', 'b.example/x'],
      ['b.example', 'a.example/y'],
    ];
    const { graph } = link({ base: BASE, child: { parent: 'a.example/y/x/y/x:1' } }, { groups });
    expect(graph.parents.get(id('child'))).toEqual({ kind: 'external', reference: 'a.example/y/x/y/x:1' });
  });

  test('what two layers publish is one reference under both names', () => {
    const other = { name: 'base', publish_registry: 'localhost:5000/site', publish_tags: ['9'] };
    expect(link({ base: BASE, other }, { groups: GROUPS }).problems).toEqual(['duplicate-reference layers/other.yaml']);
  });

  test('a layer that stands on itself under the other name is a cycle', () => {
    const base = { ...BASE, parent: 'localhost:5000/site/base:9' };
    expect(link({ base }, { groups: GROUPS }).problems).toEqual(['self-parent layers/base.yaml']);
  });

  test('another tag is told under whatever name', () => {
    const { diagnostics } = link({ base: BASE, child: { parent: 'localhost:5000/site/base:8' } }, { groups: GROUPS });
    expect(diagnostics[0]?.message).toContain('`base` publishes that name with `9`, `latest` only');
  });
});

describe('nothing says so', () => {
  test('the warning has the line for layers.yaml, and the repository is one to ask the machine for', () => {
    const { diagnostics, unsure } = link({ base: BASE, child: { parent: 'localhost:5000/site/base:9' } });
    expect(diagnostics).toMatchObject([
      {
        code: 'near-miss',
        hint: expect.stringContaining('`registry_names: [[registry.example:5000, localhost:5000]]`'),
      },
    ]);
    expect(unsure).toEqual(['localhost:5000/site/base']);
  });

  test('names keep what of their paths differs', () => {
    const { diagnostics } = link({ base: BASE, child: { parent: 'b.example/hpc/base:9' } });
    expect(diagnostics[0]?.hint).toContain('[[registry.example:5000/site, b.example/hpc]]');
  });

  test.each([
    ['a layout', { publish_registry: 'oci:images.d' }],
    ['local storage', { publish_local: true }],
    ['S3 alone', { publish_s3: 'http://s3' }],
  ])('%s is no registry that could have another name', (_, published) => {
    const { diagnostics, unsure } = link({ base: published, child: { parent: 'reg.example/base:latest' } });
    expect([diagnostics[0]?.hint?.includes('registry_names'), unsure]).toEqual([false, []]);
  });
});

describe('what only this machine says', () => {
  const readFrom = new Map([['logical.example/base', ['mirror.example/base', 'registry.example:5000/site/base']]]);

  test('links, says that it is so here alone, and how it would be so everywhere', () => {
    const { graph, diagnostics } = link({ base: BASE, child: { parent: 'logical.example/base:9' } }, { readFrom });
    expect(graph.parents.get(id('child'))).toMatchObject({ kind: 'layer', id: 'base' });
    expect(diagnostics).toMatchObject([
      {
        severity: 'warning',
        code: 'registry-of-machine',
        file: 'layers/child.yaml',
        hint: expect.stringContaining('`registry_names: [[registry.example:5000/site, logical.example]]`'),
        related: [{ file: 'layers/base.yaml' }],
      },
    ]);
  });

  test('makes no two publications one: it is about reading', () => {
    const other = { name: 'base', publish_registry: 'logical.example', publish_tags: ['9'] };
    const child = { parent: 'logical.example/base:9' };
    const { graph, problems } = link({ base: BASE, other, child }, { readFrom });
    expect(problems).toEqual([]);
    expect(graph.parents.get(id('child'))).toMatchObject({ id: 'other' });
  });

  test('an older image of the layer itself stays one from elsewhere', () => {
    const { graph } = link({ base: { ...BASE, parent: 'logical.example/base:9' } }, { readFrom });
    expect(graph.parents.get(id('base'))).toMatchObject({ kind: 'external' });
  });
});
