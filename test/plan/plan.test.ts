import { expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import type { LayerGraph } from '../../tool/src/graph/layer-graph.ts';
import type { Wish } from '../../tool/src/plan/facts.ts';
import { makePlan, type Plan, plannedLayers } from '../../tool/src/plan/plan.ts';
import type { ContentDigest } from '../../tool/src/recipe/recipe.ts';
import type { LayerRecord } from '../../tool/src/recipe/record.ts';
import { inLine, recordOf } from '../helpers/facts.ts';
import { graphOf, layer, on } from '../helpers/layers.ts';

/** base ← middle ← leaf, and other beside middle; all with a registry. */
function chain(change: (id: string) => Record<string, unknown> = () => ({})): LayerGraph {
  const one = (id: string) => layer(id, { publish_registry: 'r', ...change(id) });
  const layers = [one('base'), one('middle'), one('other'), one('leaf')];
  return graphOf(layers, { middle: on('base'), other: on('base'), leaf: on('middle') });
}

function wish(graph: LayerGraph, more: Partial<Wish> = {}): Wish {
  const all = new Set(graph.layers.keys());
  return { named: all, needed: all, force: false, publish: true, reuse: false, refresh: false, locked: false, ...more };
}

function actions(plan: Plan): Record<string, string> {
  return Object.fromEntries([...plan.decisions].map(([id, { action }]) => [id, action]));
}

test('nothing changed: nothing to do, and the recipe keys are the recorded ones', () => {
  const graph = chain();
  const facts = inLine(graph);
  const plan = makePlan(graph, facts, wish(graph));
  expect(actions(plan)).toEqual({ base: 'nothing', middle: 'nothing', other: 'nothing', leaf: 'nothing' });
  for (const [id, { recipeKey }] of plan.decisions) expect(recipeKey).toBe(facts.records.get(id)?.recipeKey);
});

test('a change builds that layer, its descendants wait for its content, the rest is left alone', () => {
  const changed = chain((id) => (id === 'middle' ? { variant: 'apt' } : {}));
  const plan = makePlan(changed, inLine(chain()), wish(changed));
  expect(actions(plan)).toEqual({ base: 'nothing', middle: 'build', other: 'nothing', leaf: 'pending' });
  expect(plan.decisions.get('middle' as LayerId)?.reasons).toEqual([
    { code: 'setting-changed', text: 'variant changed' },
  ]);
  expect(plan.decisions.get('leaf' as LayerId)?.recipeKey).toBeUndefined();
});

test('a layer with a reason of its own is built whatever its parent turns out to be', () => {
  const changed = chain((id) => (id === 'middle' || id === 'leaf' ? { variant: 'apt' } : {}));
  const plan = makePlan(changed, inLine(chain()), wish(changed));
  expect(actions(plan)).toMatchObject({ middle: 'build', leaf: 'build' });
});

test('a parent rebuilt to equal content leaves its children alone, to other content does not', () => {
  const graph = chain();
  const facts = inLine(graph);
  const records = new Map(facts.records);
  const middle = records.get('middle' as LayerId) as LayerRecord;
  records.set('middle' as LayerId, { ...middle, content: 'sha256:new' as ContentDigest });
  const plan = makePlan(graph, { ...facts, records }, wish(graph));
  expect(actions(plan)).toEqual({ base: 'nothing', middle: 'publish', other: 'nothing', leaf: 'build' });
  expect(plan.decisions.get('leaf' as LayerId)?.reasons[0]?.text).toBe('parent scratch has other content');
});

test('a tag publishes without building; log_level does nothing', () => {
  const tagged = chain((id) => (id === 'base' ? { publish_tags: ['latest', '12'] } : { log_level: 'DEBUG' }));
  const plan = makePlan(tagged, inLine(chain()), wish(tagged));
  expect(actions(plan)).toEqual({ base: 'publish', middle: 'nothing', other: 'nothing', leaf: 'nothing' });
  expect(plan.decisions.get('base' as LayerId)?.reasons).toEqual([{ code: 'tag-added', text: 'tags: + 12' }]);
});

test('--no-publish plans no publication', () => {
  const tagged = chain(() => ({ publish_tags: ['12'] }));
  expect(new Set(Object.values(actions(makePlan(tagged, inLine(chain()), wish(tagged, { publish: false })))))).toEqual(
    new Set(['nothing']),
  );
});

test('an image removed behind our back, a damaged record and a publication that is gone are noticed', () => {
  const graph = chain();
  const facts = inLine(graph);
  const records = new Map(facts.records);
  records.delete('other' as LayerId);
  const plan = makePlan(
    graph,
    {
      ...facts,
      records,
      damagedRecords: new Set(['other' as LayerId]),
      missingImages: new Set(['leaf' as LayerId]),
      missingPublications: new Map([['base' as LayerId, new Set(['registry:r/base'])]]),
    },
    wish(graph),
  );
  expect(actions(plan)).toEqual({ base: 'publish', middle: 'nothing', other: 'build', leaf: 'build' });
  const codes = [...plan.decisions.values()].map(({ reasons }) => reasons[0]?.code);
  expect(codes).toEqual(['publication-missing', undefined, 'record-damaged', 'image-missing']);
});

test('--force builds what was named, not its ancestors', () => {
  const graph = chain();
  const named = new Set(['leaf' as LayerId]);
  const needed = new Set(['base', 'middle', 'leaf'] as LayerId[]);
  const plan = makePlan(graph, inLine(graph), wish(graph, { named, needed, force: true }));
  expect(actions(plan)).toEqual({ base: 'nothing', middle: 'nothing', leaf: 'build' });
});

test('a parent left out by --only is used as last recorded', () => {
  const changed = chain((id) => (id === 'base' ? { variant: 'apt' } : {}));
  const only = new Set(['middle' as LayerId]);
  expect(actions(makePlan(changed, inLine(chain()), wish(changed, { named: only, needed: only })))).toEqual({
    middle: 'nothing',
  });
});

test('an external parent nobody asked for is a question; its recorded digest holds while its name does', () => {
  const one = layer('a', { parent: 'r/rocky:9' });
  const graph = graphOf([one], { a: { kind: 'external', reference: 'r/rocky:9' } });
  const empty = { ...inLine(graph), records: new Map() };
  const asked = makePlan(graph, empty, wish(graph));
  expect(asked.questions).toEqual([{ kind: 'external-digest', reference: 'r/rocky:9' }]);
  expect(actions(asked)).toEqual({ a: 'build' });
  const answered = makePlan(graph, { ...empty, externals: new Map([['r/rocky:9', 'sha256:1']]) }, wish(graph));
  expect(answered.questions).toEqual([]);
  expect(answered.decisions.get('a' as LayerId)?.recipeKey).toBeDefined();
  const recorded = { ...recordOf(one, { kind: 'external', manifest: 'sha256:1' }), externalParent: 'r/rocky:9' };
  const facts = {
    ...empty,
    records: new Map([[one.id, recorded]]),
    externals: new Map([['r/rocky:9', 'sha256:moved']]),
  };
  expect(actions(makePlan(graph, facts, wish(graph)))).toEqual({ a: 'nothing' });
});

test('a tools image from elsewhere counts by its digest: asked for, recorded, locked, moved', () => {
  const one = layer('a', { pkg_manager: 'dnf', tools_image: 'r/el8:1' });
  const external = { kind: 'external', reference: 'r/el8:1' } as const;
  const graph = { ...graphOf([one]), tools: new Map([[one.id, external]]) };
  const empty = { ...inLine(graph), records: new Map() };
  expect(makePlan(graph, empty, wish(graph)).questions).toEqual([{ kind: 'external-digest', reference: 'r/el8:1' }]);
  const toolsImage = { kind: 'external', manifest: 'sha256:1' } as const;
  const record = { ...recordOf(one, { kind: 'scratch' }, { toolsImage }), externalTools: 'r/el8:1' };
  const facts = { ...empty, records: new Map([[one.id, record]]), externals: new Map([['r/el8:1', 'sha256:2']]) };
  expect(actions(makePlan(graph, facts, wish(graph)))).toEqual({ a: 'nothing' });
  const moved = makePlan(graph, facts, wish(graph, { refresh: true })).decisions.get(one.id);
  expect(moved?.reasons).toEqual([{ code: 'tools-image-changed', text: 'tools image r/el8:1 moved to sha256:2' }]);
  const locked = new Map([[one.id, { tools: { reference: 'r/el8:1', digest: 'sha256:3' }, repositories: {} }]]);
  expect(makePlan(graph, { ...facts, locks: locked }, wish(graph)).decisions.get(one.id)?.reasons).toContainEqual({
    code: 'tools-image-changed',
    text: 'tools image r/el8:1 moved to sha256:3',
  });
  const other = { ...graph, tools: new Map([[one.id, { kind: 'external', reference: 'r/el9:1' } as const]]) };
  expect(makePlan(other, { ...facts, externals: new Map() }, wish(other)).questions).toHaveLength(1);
});

test('a layer waits for the layer of its tools image, and is planned to be built after it', () => {
  const [tools, one] = [layer('tools'), layer('a', { pkg_manager: 'dnf', tools_image: 'tools' })];
  const built = { ...graphOf([tools, one]), tools: new Map([[one.id, on('tools')]]) } as LayerGraph;
  const changed = { ...built, layers: new Map([...built.layers, [tools.id, layer('tools', { variant: 'apt' })]]) };
  const plan = makePlan(changed, inLine(built), wish(changed));
  expect(actions(plan)).toEqual({ tools: 'build', a: 'pending' });
  expect(plan.decisions.get(one.id)?.reasons).toEqual([
    { code: 'parent-pending', text: 'tools image tools is to be rebuilt', from: 'tools' },
  ]);
  expect(plannedLayers(changed, plan).map(({ id, parents }) => [id, parents])).toEqual([
    ['tools', []],
    ['a', ['tools']],
  ]);
});
