import { expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import type { Decision } from '../../tool/src/plan/decide.ts';
import type { LayerOutcome, LayerSummary } from '../../tool/src/run/events.ts';
import { type Scheduling, schedule } from '../../tool/src/run/schedule.ts';

/** Layers as `child: parent`; the test ends each one itself, so that order and parallelism need no clock. */
class Rig {
  readonly running = new Map<string, (outcome: LayerOutcome) => void>();
  readonly started: string[] = [];
  readonly said: string[] = [];
  readonly abort = new AbortController();
  readonly done: Promise<LayerSummary[]>;
  readonly #parents: Readonly<Record<string, string | readonly string[] | undefined>>;

  constructor(
    parents: Record<string, string | readonly string[] | undefined>,
    options: Partial<Scheduling> = {},
    idle: readonly string[] = [],
  ) {
    this.#parents = parents;
    this.done = schedule({
      order: Object.keys(parents) as LayerId[],
      neededOf: (id) => [this.#parents[id] ?? []].flat() as LayerId[],
      priorityOf: () => 0,
      jobs: 2,
      keepGoing: false,
      signal: this.abort.signal,
      decide: (id) =>
        ({
          id,
          action: idle.includes(id) ? 'nothing' : 'build',
          reasons: [],
          publish: [],
          questions: [],
        }) satisfies Decision,
      work: (id) => {
        this.started.push(id);
        return new Promise((resolve) => {
          this.running.set(id, (outcome) => {
            this.running.delete(id);
            resolve(summary(id, outcome, []));
          });
        });
      },
      idle: (id, outcome, reason) => summary(id, outcome, [reason]),
      stopped: (id) => void this.said.push(`stopped by ${id}`),
      ...options,
    });
  }

  async end(id: string, outcome: LayerOutcome = 'built'): Promise<void> {
    const finish = this.running.get(id);
    if (finish === undefined) throw new Error(`${id} does not run; running: ${[...this.running.keys()].join(', ')}`);
    finish(outcome);
    await settled();
  }
}

function summary(id: LayerId, outcome: LayerOutcome, reasons: string[]): LayerSummary {
  return { id, name: id, outcome, durationMs: 0, references: [], warnings: [], reasons };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function outcomes(rig: Rig): Promise<Record<string, string>> {
  return Object.fromEntries((await rig.done).map(({ id, outcome }) => [id, outcome]));
}

test('children start when their parent is done, as many at once as there are jobs', async () => {
  const rig = new Rig({ base: undefined, a: 'base', b: 'base', c: 'base' });
  await settled();
  expect(rig.started).toEqual(['base']);
  await rig.end('base');
  expect(rig.started).toEqual(['base', 'a', 'b']);
  await rig.end('b');
  expect(rig.started).toEqual(['base', 'a', 'b', 'c']);
  await rig.end('a');
  await rig.end('c');
  expect(await outcomes(rig)).toEqual({ base: 'built', a: 'built', b: 'built', c: 'built' });
});

test('the longest remaining path goes first', async () => {
  const rig = new Rig(
    { base: undefined, a: 'base', b: 'base', c: 'base' },
    { jobs: 1, priorityOf: (id) => ({ b: 9, c: 5 })[id as string] ?? 0 },
  );
  await settled();
  for (const id of ['base', 'b', 'c', 'a']) await rig.end(id);
  expect(rig.started).toEqual(['base', 'b', 'c', 'a']);
});

test('after a failure what runs is finished and nothing new is started', async () => {
  const rig = new Rig({ base: undefined, a: 'base', b: 'base', c: 'base', d: 'a' });
  await settled();
  await rig.end('base');
  await rig.end('a', 'failed');
  expect(rig.said).toEqual(['stopped by a']);
  await rig.end('b');
  expect(await outcomes(rig)).toEqual({ base: 'built', a: 'failed', b: 'built', c: 'skipped', d: 'skipped' });
});

test('--keep-going goes on with all that does not stand on what failed', async () => {
  const rig = new Rig({ base: undefined, a: 'base', b: 'base', d: 'a', e: 'd' }, { keepGoing: true });
  await settled();
  await rig.end('base');
  await rig.end('a', 'failed');
  await rig.end('b');
  expect(await outcomes(rig)).toEqual({ base: 'built', a: 'failed', b: 'built', d: 'skipped', e: 'skipped' });
  expect(rig.said).toEqual([]);
});

test('an interruption starts nothing more', async () => {
  const rig = new Rig({ base: undefined, a: 'base', b: undefined }, { jobs: 1 });
  await settled();
  rig.abort.abort('SIGINT');
  await rig.end('base', 'cancelled');
  expect(await outcomes(rig)).toEqual({ base: 'cancelled', a: 'cancelled', b: 'cancelled' });
});

test('layers that need nothing take no job, however deep', async () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `l${index}`);
  const parents = Object.fromEntries(names.map((name, index) => [name, index === 0 ? undefined : names[index - 1]]));
  const rig = new Rig({ ...parents, last: names.at(-1) }, {}, names);
  await settled();
  expect(rig.started).toEqual(['last']);
  await rig.end('last');
  expect(new Set(Object.values(await outcomes(rig)))).toEqual(new Set(['unchanged', 'built']));
});

test('a layer waits for all that it needs, and is skipped once when some of it fails', async () => {
  const run = new Rig(
    { base: undefined, tools: undefined, both: ['base', 'tools'], leaf: 'both' },
    { keepGoing: true },
  );
  await run.end('tools');
  expect(run.started).toEqual(['base', 'tools']);
  await run.end('base');
  expect(run.started).toEqual(['base', 'tools', 'both']);
  await run.end('both');
  await run.end('leaf');
  expect((await run.done).map(({ outcome }) => outcome)).toEqual(['built', 'built', 'built', 'built']);
  const failing = new Rig({ base: undefined, tools: undefined, both: ['base', 'tools'] }, { keepGoing: true });
  await failing.end('tools', 'failed');
  await failing.end('base', 'failed');
  expect((await failing.done).map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
    'base failed',
    'tools failed',
    'both skipped',
  ]);
});
