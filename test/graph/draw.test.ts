import { describe, expect, test } from 'vitest';
import { drawDot, drawMermaid, drawTree, graphJson } from '../../tool/src/graph/draw.ts';
import { graphOfParents, link } from './linking.ts';

const { graph } = link({
  'debian/base': { name: 'base', parent: 'docker.io/library/debian:12' },
  compute: { name: 'debian-compute', parent: 'base' },
  login: { parent: 'debian/base' },
  gpu: { parent: 'compute' },
  other: {},
});

describe('a graph', () => {
  test('as a tree', () => {
    expect(drawTree(graph)).toBe(`docker.io/library/debian:12
└── debian/base
    ├── compute (debian-compute)
    │   └── gpu
    └── login
scratch
└── other`);
  });

  test('for Graphviz', () => {
    expect(drawDot(graph)).toBe(`digraph layers {
  rankdir=LR;
  node [shape=box];
  "external:docker.io/library/debian:12" [label="docker.io/library/debian:12", style=dashed];
  "debian/base" [label="debian/base"];
  "compute" [label="compute (debian-compute)"];
  "gpu" [label="gpu"];
  "login" [label="login"];
  "other" [label="other"];
  "external:docker.io/library/debian:12" -> "debian/base";
  "debian/base" -> "compute";
  "compute" -> "gpu";
  "debian/base" -> "login";
}`);
  });

  test('for Mermaid', () => {
    expect(drawMermaid(graph)).toBe(`graph LR
  e0(["docker.io/library/debian:12"])
  l1["debian/base"]
  l2["compute (debian-compute)"]
  l3["gpu"]
  l4["login"]
  l5["other"]
  e0 --> l1
  l1 --> l2
  l2 --> l3
  l1 --> l4`);
  });

  test('as JSON', () => {
    expect(graphJson(graph).layers[1]).toEqual({
      id: 'compute',
      name: 'debian-compute',
      path: 'layers/compute.yaml',
      parent: { kind: 'layer', id: 'debian/base', reference: 'debian/base' },
      children: ['gpu'],
    });
  });

  test('with names that mean something to the formats', () => {
    const { graph: odd } = link({ 'a"b\\c': {}, 'd<e>&#f;': {} });
    expect(drawDot(odd)).toContain('"a\\"b\\\\c"');
    expect(drawMermaid(odd)).toContain('["a#34;b#92;c"]');
    expect(drawMermaid(odd)).not.toMatch(/<e>/);
  });

  test('10,000 deep stays drawable', () => {
    const chain = Array.from({ length: 10_000 }, (_, index) => [
      `l${index}`,
      index === 0 ? 'scratch' : `l${index - 1}`,
    ]);
    const text = drawTree(graphOfParents(Object.fromEntries(chain)));
    expect(text.split('\n')).toHaveLength(10_001);
    expect(text.length).toBeLessThan(3_000_000);
  });
});
