import { expect, test } from 'vitest';
import type { Layer, LayerId } from '../../tool/src/config/layer.ts';
import type { LayerGraph } from '../../tool/src/graph/layer-graph.ts';
import type { Question, Wish } from '../../tool/src/plan/facts.ts';
import { makePlan, type Plan } from '../../tool/src/plan/plan.ts';
import type { InputSet } from '../../tool/src/recipe/input-set.ts';
import { combineRecipe, type RecipeParent, recipeKeyOf } from '../../tool/src/recipe/recipe.ts';
import { content, emptyFacts, inLine, knownBuild, recordOf, type TestFacts } from '../helpers/facts.ts';
import { graphOf, layer, on } from '../helpers/layers.ts';

const SET: InputSet = { version: 2, read: ['play.yml'], probed: [], listed: [] };
const SCRATCH: RecipeParent = { kind: 'scratch' };

/** base ← site, which Ansible makes. */
const base = layer('base', { publish_registry: 'r' });
const site = layer('site', { layer_type: 'ansible', pkg_manager: undefined, playbooks: ['play.yml'] });
const graph = graphOf([base, site], { site: on('base') });

function wish(of: LayerGraph, more: Partial<Wish> = {}): Wish {
  const all = new Set(of.layers.keys());
  return { named: all, needed: all, force: false, publish: true, reuse: true, refresh: false, locked: false, ...more };
}

function kinds(plan: Plan): string[] {
  return plan.questions.map((question) => ('id' in question ? `${question.kind} of ${question.id}` : question.kind));
}

function actions(plan: Plan): Record<string, string> {
  return Object.fromEntries([...plan.decisions].map(([id, { action }]) => [id, action]));
}

function keyOf(one: Layer, parent: RecipeParent, files: Record<string, string> = {}) {
  const settings = one.recipe as never;
  return recipeKeyOf(
    combineRecipe({ stepVersion: 1, architecture: 'amd64', settings, tools: {}, environment: {}, files, parent }),
  );
}

/** Plans and answers until nothing is asked; gives the plan and all questions by kind. */
function settle(facts: TestFacts, answer: (question: Question, facts: TestFacts) => void, of = wish(graph)) {
  const asked: string[] = [];
  let plan = makePlan(graph, facts, of);
  while (plan.questions.length > 0) {
    asked.push(...kinds(plan));
    for (const question of plan.questions) answer(question, facts);
    plan = makePlan(graph, facts, of, plan);
  }
  return { plan, asked };
}

/** A shared memory that holds both layers, under one known input set. */
function everythingKnown(files: Record<string, string>) {
  const above: RecipeParent = { kind: 'layer', content: content('base') };
  const builds = [
    knownBuild(keyOf(base, SCRATCH), 'base'),
    knownBuild(keyOf(site, above, { 'play.yml': 'sha256:1' }), 'site'),
  ];
  return (question: Question, facts: TestFacts): void => {
    if (question.kind === 'input-sets')
      facts.candidates = new Map(facts.candidates).set(question.key, [{ set: SET, files }]);
    if (question.kind === 'build') {
      const known = builds.find(({ recipeKey }) => recipeKey === question.key) ?? null;
      facts.builds = new Map(facts.builds).set(question.key, known);
    }
    if (question.kind === 'publications') {
      const { recipeKey } = question.record;
      facts.observed = new Map(facts.observed).set(question.id, { recipeKey, publications: {} });
    }
  };
}

test('a fresh machine takes over what others built, Ansible included, and asks each thing once', () => {
  const { plan, asked } = settle(emptyFacts(graph), everythingKnown({ 'play.yml': 'sha256:1' }));
  expect(actions(plan)).toEqual({ base: 'reuse', site: 'reuse' });
  expect(asked).toEqual(['build of base', 'publications of base', 'input-sets of site', 'build of site']);
  const { adopted, publish } = plan.decisions.get('base' as LayerId) ?? {};
  expect(adopted).toMatchObject({ id: 'base', content: content('base'), image: { shared: { place: 'r/cache' } } });
  expect(publish?.map(({ kind }) => kind)).toEqual(['registry']);
  expect(plan.decisions.get('site' as LayerId)?.adopted?.inputSet).toEqual(SET);
});

test('what Ansible read is different on this tree: that layer is built, its parent is not', () => {
  const { plan } = settle(emptyFacts(graph), everythingKnown({ 'play.yml': 'sha256:2' }));
  expect(actions(plan)).toEqual({ base: 'reuse', site: 'build' });
});

test('nobody knows anything: all is built, and nothing is asked for ever', () => {
  const { plan } = settle(emptyFacts(graph), (question, facts) => {
    if (question.kind === 'input-sets') facts.candidates = new Map(facts.candidates).set(question.key, []);
    if (question.kind === 'build') facts.builds = new Map(facts.builds).set(question.key, null);
  });
  expect(actions(plan)).toEqual({ base: 'build', site: 'build' });
});

test('--cache off asks nobody', () => {
  expect(makePlan(graph, emptyFacts(graph), wish(graph, { reuse: false })).questions).toEqual([]);
});

test('what a destination is seen to hold is not published again', () => {
  const published = recordOf(base, SCRATCH).publications;
  const { plan } = settle(emptyFacts(graph), (question, facts) => {
    everythingKnown({ 'play.yml': 'sha256:1' })(question, facts);
    if (question.kind === 'publications') {
      const { recipeKey } = question.record;
      facts.observed = new Map(facts.observed).set(question.id, { recipeKey, publications: published });
    }
  });
  expect(plan.decisions.get('base' as LayerId)).toMatchObject({ action: 'reuse', publish: [] });
});

test('an image that is gone here is no reason while it is shared', () => {
  const facts = inLine(graph);
  const shared = { ...recordOf(base, SCRATCH), image: { shared: { place: 'r', digest: 'sha256:1', size: 1 } } };
  facts.records = new Map(facts.records).set(base.id, shared);
  facts.missingImages = new Set([base.id]);
  expect(makePlan(graph, facts, wish(graph)).decisions.get(base.id)?.action).toBe('nothing');
});

test('rebuild_after: age is a reason, a younger build of another machine answers it, an older one does not', () => {
  const aged = layer('base', { publish_registry: 'r', rebuild_after: '14d' });
  const one = graphOf([aged]);
  const facts = inLine(one);
  const old = new Date(facts.now - 15 * 86_400_000).toISOString();
  const record = { ...recordOf(aged, SCRATCH), lastBuiltAt: old };
  facts.records = new Map([[aged.id, record]]);
  const asked = makePlan(one, facts, wish(one));
  expect(asked.decisions.get(aged.id)).toMatchObject({ action: 'build', replaces: true, reasons: [{ code: 'age' }] });
  expect(kinds(asked)).toEqual(['build of base']);
  const answered = (lastBuiltAt: string) => {
    const builds = new Map([[record.recipeKey, knownBuild(record.recipeKey, 'base', { lastBuiltAt })]]);
    return makePlan(one, { ...facts, builds }, wish(one)).decisions.get(aged.id)?.action;
  };
  expect(answered(old)).toBe('build');
  expect(answered(new Date(facts.now - 86_400_000).toISOString())).toBe('reuse');
});

test('what moved outside is built although the same recipe is known, and replaces it', () => {
  const facts = inLine(graph);
  facts.moved = new Map([[base.id, [{ code: 'repository-moved', text: 'moved' }]]]);
  const plan = makePlan(graph, facts, wish(graph));
  expect(plan.decisions.get(base.id)).toMatchObject({ action: 'build', replaces: true, questions: [] });
});

test("the lock's digest of an external parent beats the recorded one; --refresh asks again", () => {
  const one = layer('a', { parent: 'r/rocky:9' });
  const of = graphOf([one], { a: { kind: 'external', reference: 'r/rocky:9' } });
  const facts = emptyFacts(of);
  const recorded = { ...recordOf(one, { kind: 'external', manifest: 'sha256:old' }), externalParent: 'r/rocky:9' };
  facts.records = new Map([[one.id, recorded]]);
  const plain = wish(of, { reuse: false });
  expect(actions(makePlan(of, facts, plain))).toEqual({ a: 'nothing' });
  const parent = { reference: 'r/rocky:9', digest: 'sha256:locked' };
  const locked = { ...facts, locks: new Map([[one.id, { parent, repositories: {} }]]) };
  const decision = makePlan(of, locked, plain).decisions.get(one.id);
  expect(decision).toMatchObject({ action: 'build', recipe: { parent: { manifest: 'sha256:locked' } } });
  expect(kinds(makePlan(of, locked, { ...plain, refresh: true }))).toEqual(['external-digest']);
});

test('a record without what its playbooks read, as of an earlier version, is built again', () => {
  const facts = inLine(graph);
  const { inputSet: _set, ...old } = facts.records.get(site.id) ?? recordOf(site, SCRATCH);
  facts.records = new Map(facts.records).set(site.id, old);
  facts.recorded = new Map();
  const { action, reasons } =
    settle(facts, (question) => {
      if (question.kind === 'input-sets') facts.candidates = new Map(facts.candidates).set(question.key, []);
    }).plan.decisions.get(site.id) ?? {};
  expect([action, reasons]).toEqual([
    'build',
    [{ code: 'inputs-unknown', text: expect.stringContaining('earlier version') }],
  ]);
});

test('a reason that comes from an ancestor names it', () => {
  const facts = inLine(graph);
  const other = { ...recordOf(base, SCRATCH), content: content('something new') };
  facts.records = new Map(facts.records).set(base.id, other);
  facts.recorded = new Map([[site.id, { files: {} }]]);
  const site2 = facts.records.get(site.id);
  facts.records = new Map(facts.records).set(site.id, { ...(site2 as typeof other), inputSet: SET });
  const { reasons } = makePlan(graph, facts, wish(graph)).decisions.get(site.id) ?? {};
  expect(reasons).toEqual([
    { code: 'parent-changed', text: expect.stringContaining('has other content'), from: 'base' },
  ]);
});

test('a lock that says what the recorded build used builds nothing, and the build gets its new key', () => {
  const url = 'https://mirror.invalid/InRelease';
  const facts = inLine(graphOf([base]));
  facts.records = new Map([[base.id, { ...recordOf(base, SCRATCH), repositories: { [url]: 'sha256:1' } }]]);
  const decided = (repositories: Record<string, string>) => {
    const locks = new Map([[base.id, { repositories }]]);
    const of = graphOf([base]);
    const plan = settleWith(of, { ...facts, locks });
    return plan.decisions.get(base.id);
  };
  const same = decided({ [url]: 'sha256:1' });
  expect(same).toMatchObject({ action: 'reuse', publish: [], adopted: { recipe: { lock: { [url]: 'sha256:1' } } } });
  expect(same?.adopted?.recipeKey).toBe(same?.recipeKey);
  expect(same?.recipeKey).not.toBe(facts.records.get(base.id)?.recipeKey);
  expect(decided({ [url]: 'sha256:2' })?.action).toBe('build');
  // A lock that says less than what was used is not what was used.
  expect(decided({})?.action).toBe('build');
});

/** Nobody else knows anything. */
function settleWith(of: LayerGraph, facts: TestFacts): Plan {
  let plan = makePlan(of, facts, wish(of));
  for (const question of plan.questions) {
    if (question.kind === 'build') facts.builds = new Map(facts.builds).set(question.key, null);
  }
  plan = makePlan(of, facts, wish(of), plan);
  for (const question of plan.questions) {
    if (question.kind !== 'publications') continue;
    const { recipeKey } = question.record;
    facts.observed = new Map(facts.observed).set(question.id, { recipeKey, publications: {} });
  }
  return makePlan(of, facts, wish(of), plan);
}

test('a tag that is not ours any more is asked about before it is moved back', () => {
  const facts = inLine(graph);
  facts.shared = new Map([[base.id, { place: 'r/base', writes: true }]]);
  const record = recordOf(base, SCRATCH);
  const shared = { place: 'r/base', digest: 'sha256:1', size: 1 };
  facts.records = new Map(facts.records).set(base.id, { ...record, image: { ...record.image, shared } });
  facts.missingPublications = new Map([[base.id, new Set(['registry:r/base'])]]);
  const only = wish(graph, { named: new Set([base.id]), needed: new Set([base.id]) });
  expect(kinds(makePlan(graph, facts, only))).toEqual(['standing of base']);
  const answered = (standing: ReturnType<typeof knownBuild> | null) =>
    makePlan(graph, { ...facts, standing: new Map([[record.recipeKey, standing]]) }, only).decisions.get(base.id);
  expect(answered(null)).toMatchObject({ action: 'publish', questions: [] });
  expect(answered(knownBuild(record.recipeKey, 'base'))).toMatchObject({ action: 'publish', questions: [] });
  const newer = answered(knownBuild(record.recipeKey, 'built anew'));
  expect(newer).toMatchObject({
    action: 'reuse',
    content: content('built anew'),
    reasons: [{ code: 'built-elsewhere' }],
  });
});

test('a build that never came to the shared place goes there, without being built again', () => {
  const facts = inLine(graph);
  const decided = (writes: boolean, place = 'r/base') => {
    facts.shared = new Map([[base.id, { place, writes }]]);
    return makePlan(graph, facts, wish(graph)).decisions.get(base.id);
  };
  expect(decided(true)).toMatchObject({ action: 'publish', publish: [], reasons: [{ code: 'not-shared' }] });
  expect(decided(false)?.action).toBe('nothing');
});

test('an external parent that cannot be asked is not asked again, and moves nothing', () => {
  const one = layer('a', { parent: 'r/rocky:9' });
  const of = graphOf([one], { a: { kind: 'external', reference: 'r/rocky:9' } });
  const facts = { ...emptyFacts(of), unanswered: new Set(['r/rocky:9']) };
  expect(makePlan(of, facts, wish(of)).questions).toEqual([]);
  const record = { ...recordOf(one, { kind: 'external', manifest: 'sha256:1' }), externalParent: 'r/rocky:9' };
  const recorded = { ...facts, records: new Map([[one.id, record]]) };
  expect(actions(makePlan(of, recorded, wish(of, { refresh: true })))).toEqual({ a: 'nothing' });
});
