/*
 * What a watch is doing, and what comes next. Pure: the driver tells what happened and carries out what is answered.
 *
 *               change               quiet               work
 *    waiting ───────────▶ settling ─────────▶ looking ───────────▶ running ──┐ change to what a running layer reads:
 *     ▲  ▲                 ▲  ▲  ▲ ◀─ change ─┘ (again) │            │   ▲    │ cancel it; quiet ▶ reread ▶ it alone begins
 *     │  │ nothing,        │  │  └──────────────────────┘            │   └────┘ again. Any other change is queued.
 *     │  │ invalid         │  │                                      │
 *     │  └─────────────────┼──┼── looking                            │
 *     │                    │  └─ done, and changes are not quiet yet ┤
 *     │                    │     done, changes queued ▶ looking ◀────┤
 *     └────────────────────┴─────────────────────────── done ────────┘
 *
 *    any state ── quit ▶ ending: what runs is ended first (stop), then finish.
 */

import type { LayerId } from '../config/layer.ts';

/** A path that changed, and the watched layers that are known to read it. */
export interface Cause {
  /** Absolute. */
  readonly path: string;
  readonly layers: readonly LayerId[];
}

/** Changes that belong together, and since when they come. */
interface Settling {
  readonly causes: readonly Cause[];
  /** Milliseconds, of the first one. */
  readonly since: number;
}

interface Running {
  readonly kind: 'running';
  readonly active: ReadonlySet<LayerId>;
  /** Cancelled, waiting to begin again. */
  readonly cancelled: ReadonlySet<LayerId>;
  /** Looked at after the run. */
  readonly queued: readonly Cause[];
  /** Changes that are not quiet yet: since when. */
  readonly since: number | undefined;
  /** The tree is being read again for the cancelled ones. */
  readonly rereading: boolean;
  /** The user wants all of it again after the run. */
  readonly anew: boolean;
}

export type WatchState =
  | { readonly kind: 'waiting' }
  | ({ readonly kind: 'settling' } & Settling)
  /** `later`: came in meanwhile. */
  | {
      readonly kind: 'looking';
      readonly causes: readonly Cause[];
      readonly later: Settling | undefined;
      readonly anew: boolean;
    }
  | Running
  | { readonly kind: 'ending' };

export type WatchEvent =
  | { readonly type: 'changed'; readonly causes: readonly Cause[]; readonly at: number }
  /** No change for as long as `wait` said. */
  | { readonly type: 'quiet' }
  /** The tree was read and planned. */
  | { readonly type: 'looked'; readonly found: 'work' | 'nothing' | 'invalid' }
  | { readonly type: 'began'; readonly id: LayerId }
  | { readonly type: 'ended'; readonly id: LayerId }
  /** The tree was read for the cancelled layers: these can begin again. */
  | { readonly type: 'reread'; readonly able: ReadonlySet<LayerId> }
  | { readonly type: 'ran' }
  /** The user asks for another try, changed or not. */
  | { readonly type: 'asked' }
  | { readonly type: 'quit' };

export type WatchEffect =
  /** (Re)starts the one timer; `quiet` follows in so many milliseconds. */
  | { readonly do: 'wait'; readonly ms: number }
  /** Reads the tree and plans. `anew`: what failed is tried again though nothing changed. */
  | { readonly do: 'look'; readonly causes: readonly Cause[]; readonly anew: boolean }
  | { readonly do: 'run'; readonly causes: readonly Cause[] }
  | { readonly do: 'cancel'; readonly id: LayerId; readonly cause: Cause }
  | { readonly do: 'reread' }
  | { readonly do: 'resume'; readonly id: LayerId; readonly again: boolean }
  /** Ends what runs; `ran` follows. */
  | { readonly do: 'stop' }
  | { readonly do: 'finish' };

interface Step {
  readonly state: WatchState;
  readonly effects: readonly WatchEffect[];
}

/** Editors write a file in several operations within some ten milliseconds. */
const QUIET_MS = 80;
/** Who never stops writing is not waited for longer. */
const PATIENCE_MS = 5000;

const FIRST_LOOK: WatchState = { kind: 'looking', causes: [], later: undefined, anew: false };

/** Where a watch begins: with a look. */
export function start(): Step {
  return { state: FIRST_LOOK, effects: [{ do: 'look', causes: [], anew: false }] };
}

/** The next state, and what is to be done; an event that means nothing in a state changes nothing. */
export function step(state: WatchState, event: WatchEvent): Step {
  if (state.kind === 'ending') return { state, effects: event.type === 'ran' ? [{ do: 'finish' }] : [] };
  if (event.type === 'quit') {
    return { state: { kind: 'ending' }, effects: [{ do: state.kind === 'running' ? 'stop' : 'finish' }] };
  }
  switch (state.kind) {
    case 'waiting':
      if (event.type === 'changed') return settle({ causes: event.causes, since: event.at }, event.at);
      return event.type === 'asked' ? look([], true) : stay(state);
    case 'settling':
      if (event.type === 'changed') return settle(added(state, event), event.at);
      if (event.type === 'asked') return look(state.causes, true);
      return event.type === 'quiet' ? look(state.causes, false) : stay(state);
    case 'looking':
      return whileLooking(state, event);
    case 'running':
      return whileRunning(state, event);
  }
}

function whileLooking(state: WatchState & { kind: 'looking' }, event: WatchEvent): Step {
  const { later, causes } = state;
  switch (event.type) {
    case 'changed':
      return stay({ ...state, later: added(later, event) });
    case 'asked':
      return stay({ ...state, later: later ?? { causes: [], since: 0 }, anew: true });
    case 'looked': {
      // What was read may be half of what is being written.
      if (later !== undefined) {
        const all = { causes: merged(causes, later.causes), since: later.since };
        return state.anew ? look(all.causes, true) : settle(all, later.since);
      }
      if (event.found !== 'work') return stay({ kind: 'waiting' });
      const none: ReadonlySet<LayerId> = new Set();
      const running = { active: none, cancelled: none, queued: [], since: undefined, rereading: false, anew: false };
      return { state: { kind: 'running', ...running }, effects: [{ do: 'run', causes }] };
    }
    default:
      return stay(state);
  }
}

function whileRunning(state: Running, event: WatchEvent): Step {
  switch (event.type) {
    case 'began':
      return stay({ ...state, active: withOne(state.active, event.id) });
    case 'ended':
      return stay({ ...state, active: without(state.active, event.id), cancelled: without(state.cancelled, event.id) });
    case 'changed':
      return changeWhileRunning(state, event);
    case 'quiet': {
      const isWanted = state.cancelled.size > 0 && !state.rereading;
      const next = { ...state, since: undefined, rereading: state.rereading || isWanted };
      return { state: next, effects: isWanted ? [{ do: 'reread' }] : [] };
    }
    case 'reread': {
      // Changed again meanwhile: once more when that is quiet.
      if (state.since !== undefined) return stay({ ...state, rereading: false });
      const effects = [...state.cancelled].map((id) => ({ do: 'resume', id, again: event.able.has(id) }) as const);
      return { state: { ...state, cancelled: new Set(), rereading: false }, effects };
    }
    case 'asked':
      return stay({ ...state, anew: true });
    case 'ran': {
      if (state.anew) return look(state.queued, true);
      if (state.since !== undefined) return stay({ kind: 'settling', causes: state.queued, since: state.since });
      return state.queued.length > 0 ? look(state.queued, false) : stay({ kind: 'waiting' });
    }
    default:
      return stay(state);
  }
}

function changeWhileRunning(state: Running, event: WatchEvent & { type: 'changed' }): Step {
  const cancels: WatchEffect[] = [];
  const cancelled = new Set(state.cancelled);
  for (const cause of event.causes) {
    for (const id of cause.layers) {
      if (!state.active.has(id) || cancelled.has(id)) continue;
      cancelled.add(id);
      cancels.push({ do: 'cancel', id, cause });
    }
  }
  const since = state.since ?? event.at;
  const queued = merged(state.queued, event.causes);
  return {
    state: { ...state, cancelled, queued, since },
    effects: [...cancels, { do: 'wait', ms: quietTime(since, event.at) }],
  };
}

function settle(settling: Settling, at: number): Step {
  return {
    state: { kind: 'settling', ...settling },
    effects: [{ do: 'wait', ms: quietTime(settling.since, at) }],
  };
}

function look(causes: readonly Cause[], anew: boolean): Step {
  return { state: { kind: 'looking', causes, later: undefined, anew: false }, effects: [{ do: 'look', causes, anew }] };
}

function stay(state: WatchState): Step {
  return { state, effects: [] };
}

function quietTime(since: number, at: number): number {
  return Math.max(0, Math.min(QUIET_MS, since + PATIENCE_MS - at));
}

function added(settling: Settling | undefined, event: WatchEvent & { type: 'changed' }): Settling {
  return { causes: merged(settling?.causes ?? [], event.causes), since: settling?.since ?? event.at };
}

/** A path once, with the layers that were known last. */
function merged(causes: readonly Cause[], more: readonly Cause[]): readonly Cause[] {
  return [...new Map([...causes, ...more].map((cause) => [cause.path, cause])).values()];
}

function withOne(ids: ReadonlySet<LayerId>, id: LayerId): ReadonlySet<LayerId> {
  return new Set(ids).add(id);
}

function without(ids: ReadonlySet<LayerId>, id: LayerId): ReadonlySet<LayerId> {
  return new Set([...ids].filter((one) => one !== id));
}
