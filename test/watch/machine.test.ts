import { describe, expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import {
  type Cause,
  start,
  step,
  type WatchEffect,
  type WatchEvent,
  type WatchState,
} from '../../tool/src/watch/machine.ts';

const id = (name: string) => name as LayerId;
const cause = (path: string, ...layers: string[]): Cause => ({ path, layers: layers.map(id) });
const changed = (at: number, ...causes: Cause[]): WatchEvent => ({ type: 'changed', causes, at });
const QUIET: WatchEvent = { type: 'quiet' };

/** The state after events, and the effects of each. */
function play(events: readonly WatchEvent[]): { state: WatchState; effects: WatchEffect[][] } {
  let { state } = start();
  const effects = events.map((event) => {
    const next = step(state, event);
    state = next.state;
    return [...next.effects];
  });
  return { state, effects };
}

const IDLE: WatchEvent[] = [{ type: 'looked', found: 'nothing' }];
const RUNNING: WatchEvent[] = [
  { type: 'looked', found: 'work' },
  { type: 'began', id: id('a') },
  { type: 'began', id: id('b') },
];

test('it begins with a look, and runs what that finds', () => {
  expect(start().effects).toEqual([{ do: 'look', causes: [], anew: false }]);
  expect(play([{ type: 'looked', found: 'work' }]).effects).toEqual([[{ do: 'run', causes: [] }]]);
  for (const found of ['nothing', 'invalid'] as const) {
    expect(play([{ type: 'looked', found }])).toEqual({ state: { kind: 'waiting' }, effects: [[]] });
  }
});

test('several saves are one look, once they are quiet', () => {
  const one = cause('/one', 'a');
  const two = cause('/two', 'b');
  const { state, effects } = play([...IDLE, changed(0, one), changed(50, two), changed(90, one), QUIET]);
  expect(effects.slice(1)).toEqual([
    [{ do: 'wait', ms: 80 }],
    [{ do: 'wait', ms: 80 }],
    [{ do: 'wait', ms: 80 }],
    [{ do: 'look', causes: [one, two], anew: false }],
  ]);
  expect(state.kind).toBe('looking');
});

test('who never stops writing is not waited for beyond patience', () => {
  const events = Array.from({ length: 600 }, (_, index) => changed(index * 10, cause('/log')));
  const waits = play([...IDLE, ...events])
    .effects.flat()
    .map((effect) => (effect.do === 'wait' ? effect.ms : -1));
  expect(waits[0]).toBe(80);
  expect(waits.at(-1)).toBe(0);
});

test('a change while the tree is read leads to another look', () => {
  const { effects } = play([...IDLE, changed(0, cause('/one')), QUIET, changed(200, cause('/two'))]);
  expect(effects.at(-1)).toEqual([]);
  const after = play([
    ...IDLE,
    changed(0, cause('/one')),
    QUIET,
    changed(200, cause('/two')),
    { type: 'looked', found: 'work' },
    QUIET,
  ]);
  expect(after.effects.slice(-2)).toEqual([
    [{ do: 'wait', ms: 80 }],
    [{ do: 'look', causes: [cause('/one'), cause('/two')], anew: false }],
  ]);
});

describe('while layers run', () => {
  test('a change to what one of them reads cancels it alone, and it begins again when that is quiet', () => {
    const own = cause('/own', 'a', 'c');
    const { state, effects } = play([
      ...RUNNING,
      changed(0, own),
      changed(30, own),
      QUIET,
      { type: 'reread', able: new Set([id('a')]) },
    ]);
    expect(effects.slice(3)).toEqual([
      [
        { do: 'cancel', id: 'a', cause: own },
        { do: 'wait', ms: 80 },
      ],
      [{ do: 'wait', ms: 80 }],
      [{ do: 'reread' }],
      [{ do: 'resume', id: 'a', again: true }],
    ]);
    expect(state).toMatchObject({ kind: 'running', cancelled: new Set(), queued: [own] });
  });

  test('one whose file is wrong or gone is left cancelled', () => {
    const { effects } = play([...RUNNING, changed(0, cause('/a', 'a')), QUIET, { type: 'reread', able: new Set() }]);
    expect(effects.at(-1)).toEqual([{ do: 'resume', id: 'a', again: false }]);
  });

  test('changed again while the tree is read: it begins when that is quiet too', () => {
    const own = cause('/own', 'a');
    const { effects } = play([
      ...RUNNING,
      changed(0, own),
      QUIET,
      changed(100, own),
      { type: 'reread', able: new Set([id('a')]) },
      QUIET,
      { type: 'reread', able: new Set([id('a')]) },
    ]);
    expect(effects.slice(-3)).toEqual([[], [{ do: 'reread' }], [{ do: 'resume', id: 'a', again: true }]]);
  });

  test('a change to others is queued until the run is over', () => {
    const other = cause('/other', 'c');
    const { effects } = play([...RUNNING, changed(0, other), QUIET, { type: 'ran' }]);
    expect(effects.slice(3)).toEqual([[{ do: 'wait', ms: 80 }], [], [{ do: 'look', causes: [other], anew: false }]]);
  });

  test('changes that are not quiet at its end are waited for', () => {
    const other = cause('/other');
    const { state, effects } = play([...RUNNING, changed(0, other), { type: 'ran' }, QUIET]);
    expect(effects.slice(-2)).toEqual([[], [{ do: 'look', causes: [other], anew: false }]]);
    expect(state.kind).toBe('looking');
  });

  test('a layer that has ended is not cancelled', () => {
    const { effects } = play([...RUNNING, { type: 'ended', id: id('a') }, changed(0, cause('/own', 'a'))]);
    expect(effects.at(-1)).toEqual([{ do: 'wait', ms: 80 }]);
  });

  test('without a change nothing follows', () => {
    expect(play([...RUNNING, { type: 'ran' }])).toMatchObject({ state: { kind: 'waiting' } });
  });

  test('quitting ends what runs first', () => {
    const { effects } = play([...RUNNING, { type: 'quit' }, changed(0, cause('/x', 'a')), { type: 'ran' }]);
    expect(effects.slice(3)).toEqual([[{ do: 'stop' }], [], [{ do: 'finish' }]]);
  });
});

test('asking tries what failed again, at once or after the run', () => {
  expect(play([...IDLE, { type: 'asked' }]).effects.at(-1)).toEqual([{ do: 'look', causes: [], anew: true }]);
  const { effects } = play([...RUNNING, { type: 'asked' }, { type: 'ran' }]);
  expect(effects.slice(-2)).toEqual([[], [{ do: 'look', causes: [], anew: true }]]);
});

test('quitting while nothing runs finishes at once', () => {
  for (const before of [[], IDLE, [...IDLE, changed(0, cause('/x'))]]) {
    expect(play([...before, { type: 'quit' }]).effects.at(-1)).toEqual([{ do: 'finish' }]);
  }
});

/** A driver of make-believe: what a real one would have under way. */
class World {
  state: WatchState;
  readonly log: string[] = [];
  now = 0;
  timer: number | undefined;
  isLooking = false;
  isRereading = false;
  isRunning = false;
  active = new Set<string>();
  held = new Set<string>();
  finished = false;
  /** Changes that no look has begun after. */
  unseen = 0;
  isAsked = false;

  constructor() {
    const first = start();
    this.state = first.state;
    this.#carryOut(first.effects);
  }

  tell(event: WatchEvent): void {
    this.log.push(JSON.stringify(event));
    if (event.type === 'changed') this.unseen += 1;
    if (event.type === 'asked') this.isAsked = true;
    const { state, effects } = step(this.state, event);
    this.state = state;
    this.#carryOut(effects);
  }

  #carryOut(effects: readonly WatchEffect[]): void {
    for (const effect of effects) {
      this.log.push(`  ${JSON.stringify(effect)}`);
      switch (effect.do) {
        case 'wait':
          expect(effect.ms).toBeGreaterThanOrEqual(0);
          this.timer = this.now + effect.ms;
          break;
        case 'look':
          expect([this.isLooking, this.isRunning]).toEqual([false, false]);
          this.isLooking = true;
          this.unseen = 0;
          if (effect.anew) this.isAsked = false;
          break;
        case 'run':
          expect([this.isLooking, this.isRunning]).toEqual([false, false]);
          this.isRunning = true;
          break;
        case 'cancel':
          expect(this.active.has(effect.id) && !this.held.has(effect.id)).toBe(true);
          this.held.add(effect.id);
          break;
        case 'reread':
          expect(this.isRereading).toBe(false);
          this.isRereading = true;
          break;
        case 'resume':
          expect(this.held.delete(effect.id)).toBe(true);
          if (!effect.again) this.end(effect.id);
          break;
        case 'stop':
          expect(this.isRunning).toBe(true);
          break;
        default:
          expect(this.isRunning).toBe(false);
          this.finished = true;
      }
    }
  }

  end(layer: string): void {
    this.active.delete(layer);
    this.held.delete(layer);
    this.tell({ type: 'ended', id: id(layer) });
  }

  /** What can happen next of itself, without the user. */
  goOn(random: () => number): boolean {
    const can: (() => void)[] = [];
    if (this.timer !== undefined) {
      can.push(() => {
        this.now = Math.max(this.now, this.timer ?? 0);
        this.timer = undefined;
        this.tell(QUIET);
      });
    }
    if (this.isLooking) {
      can.push(() => {
        this.isLooking = false;
        const found = (['work', 'nothing', 'invalid'] as const)[Math.floor(random() * 3)] ?? 'nothing';
        this.tell({ type: 'looked', found });
      });
    }
    if (this.isRereading) {
      can.push(() => {
        this.isRereading = false;
        this.tell({ type: 'reread', able: new Set(random() < 0.5 ? [id('a'), id('b'), id('c')] : []) });
      });
    }
    if (this.isRunning) {
      for (const layer of this.active) if (!this.held.has(layer)) can.push(() => this.end(layer));
      if (this.active.size === 0) {
        can.push(() => {
          this.isRunning = false;
          this.tell({ type: 'ran' });
        });
      }
    }
    can[Math.floor(random() * can.length)]?.();
    return can.length > 0;
  }

  disturb(random: () => number): void {
    const layers = ['a', 'b', 'c'].filter(() => random() < 0.4);
    const dice = random();
    this.now += Math.floor(random() * 60);
    if (dice < 0.6) this.tell(changed(this.now, cause(`/${Math.floor(random() * 4)}`, ...layers)));
    else if (dice < 0.7) this.tell({ type: 'asked' });
    else if (this.isRunning) {
      const layer = ['a', 'b', 'c'][Math.floor(random() * 3)] ?? 'a';
      if (this.active.has(layer)) return;
      this.active.add(layer);
      this.tell({ type: 'began', id: id(layer) });
    }
  }
}

function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('whatever happens in whatever order, no change is lost, no layer is left hanging, and it comes to rest', () => {
  for (let seed = 1; seed <= 600; seed += 1) {
    const random = randomOf(seed);
    const world = new World();
    try {
      for (let turn = 0; turn < 60; turn += 1) {
        if (random() < 0.5) world.disturb(random);
        else world.goOn(random);
      }
      let turns = 0;
      while (world.goOn(random)) {
        turns += 1;
        if (turns > 200) throw new Error('it never comes to rest');
      }
      expect(world.state).toEqual({ kind: 'waiting' });
      expect([world.unseen, world.held.size, world.isAsked]).toEqual([0, 0, false]);
    } catch (error) {
      throw new Error(`seed ${seed}:\n${world.log.join('\n')}`, { cause: error });
    }
  }
});

test('whenever it is told to quit, it finishes once and starts nothing more', () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const random = randomOf(seed);
    const world = new World();
    for (let turn = 0; turn < 1 + (seed % 40); turn += 1) {
      if (random() < 0.5) world.disturb(random);
      else world.goOn(random);
    }
    world.tell({ type: 'quit' });
    const { isLooking } = world;
    world.held.clear();
    while (world.goOn(random) && !world.finished);
    expect(world.finished).toBe(true);
    expect(isLooking || !world.isLooking).toBe(true);
  }
});
