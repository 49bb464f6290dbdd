import type { LayerId } from '../config/layer.ts';
import { type Cause, start, step, type WatchEffect, type WatchEvent, type WatchState } from './machine.ts';

/** What the machine's effects do, for one watch. Nothing here may reject but for mistakes of ours, which end the watch. */
export interface WatchWorld {
  look(causes: readonly Cause[], anew: boolean): Promise<'work' | 'nothing' | 'invalid'>;
  /** Resolves when all of it has ended. */
  run(causes: readonly Cause[]): Promise<void>;
  cancel(id: LayerId, cause: Cause): void;
  /** Reads the tree for layers that were cancelled; gives those that can begin again. */
  reread(): Promise<ReadonlySet<LayerId>>;
  resume(id: LayerId, again: boolean): void;
  stop(): void;
  /** After each event, for whoever shows the state. */
  entered(state: WatchState): void;
}

/** The machine at work. */
export interface Driver {
  tell(event: WatchEvent): void;
  /** Resolves when it has quit; rejects with a mistake of ours. */
  readonly ended: Promise<void>;
}

/** Carries out the machine's effects, with its one timer. */
export function drive(world: WatchWorld): Driver {
  const end = Promise.withResolvers<void>();
  let timer: NodeJS.Timeout | undefined;
  const first = start();
  let { state } = first;

  const tell = (event: WatchEvent): void => {
    const next = step(state, event);
    state = next.state;
    world.entered(state);
    for (const effect of next.effects) carryOut(effect);
  };
  const follow = (work: Promise<WatchEvent>): void => void work.then(tell).catch(end.reject);
  const carryOut = (effect: WatchEffect): void => {
    switch (effect.do) {
      case 'wait':
        clearTimeout(timer);
        timer = setTimeout(tell, effect.ms, { type: 'quiet' });
        break;
      case 'look':
        follow(world.look(effect.causes, effect.anew).then((found) => ({ type: 'looked', found })));
        break;
      case 'run':
        follow(world.run(effect.causes).then(() => ({ type: 'ran' })));
        break;
      case 'cancel':
        world.cancel(effect.id, effect.cause);
        break;
      case 'reread':
        follow(world.reread().then((able) => ({ type: 'reread', able })));
        break;
      case 'resume':
        world.resume(effect.id, effect.again);
        break;
      case 'stop':
        world.stop();
        break;
      case 'finish':
        clearTimeout(timer);
        end.resolve();
    }
  };
  world.entered(state);
  for (const effect of first.effects) carryOut(effect);
  return { tell, ended: end.promise };
}
