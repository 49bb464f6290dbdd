import type { LayerId } from '../config/layer.ts';
import type { LayerOutcomes } from '../watch/layer-outcomes.ts';
import type { Observer } from '../watch/observer.ts';
import type { Prepared } from './prepare.ts';
import { makeStateFolder } from './start-run.ts';
import { problemOf } from './tell-failure.ts';
import { isOfTree, type WatchReading } from './watch-reading.ts';
import type { WatchVoice } from './watch-voice.ts';

interface Settings {
  readonly reading: WatchReading;
  readonly observer: Observer;
  readonly outcomes: LayerOutcomes;
  readonly voice: WatchVoice;
}

/** The tree as a watch reads it again and again; what is wrong with it and which layers came or went is told. */
export class WatchLooks {
  readonly #with: Settings;
  readonly #started = performance.now();
  #isReady = false;

  constructor(settings: Settings) {
    this.#with = settings;
  }

  /** Gives undefined where the tree is wrong. */
  async look(): Promise<Prepared | undefined> {
    const before = this.#with.reading.layers;
    const prepared = await this.again();
    if (prepared !== undefined) this.#tellLayers(before, prepared);
    return prepared;
  }

  /** For a run that is going on: layers that came or went are told by the look after it. */
  async again(): Promise<Prepared | undefined> {
    const { reading, observer, outcomes, voice } = this.#with;
    try {
      const prepared = await reading.prepare(observer, outcomes.failed);
      // Nothing that it will find to do could be done.
      if (!this.#isReady) makeStateFolder(prepared.stateDir);
      return prepared;
    } catch (error) {
      const problem = problemOf(error);
      // At its start a watch refuses what is no problem of the tree; later whatever was named may be gone for a while.
      if (problem === undefined || (!this.#isReady && !isOfTree(error))) throw error;
      voice.invalid(problem);
      return undefined;
    }
  }

  /** What layers read is known better after a run, but for those that did not tell all of it. */
  async observeAnew(): Promise<void> {
    const { reading, observer, outcomes } = this.#with;
    reading.outdate();
    try {
      await reading.refresh(observer, outcomes.failed);
    } catch (error) {
      // The look that follows tells it.
      if (problemOf(error) === undefined) throw error;
    }
  }

  #tellLayers(before: ReadonlySet<LayerId>, { note }: Prepared): void {
    const { reading, observer, voice } = this.#with;
    const { layers } = reading;
    voice.valid();
    if (this.#isReady)
      voice.layers(
        [...layers].filter((id) => !before.has(id)),
        [...before].filter((id) => !layers.has(id)),
      );
    else voice.ready(layers.size, observer.size, performance.now() - this.#started);
    this.#isReady = true;
    if (note !== undefined) voice.warn(note);
  }
}
