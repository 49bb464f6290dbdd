import type { Layer, LayerId } from '../config/layer.ts';
import type { LayerLog } from './run-folder.ts';
import type { LayerWork } from './work-on-layer.ts';

/** How whoever started a run takes part in single layers of it, while the others go on. */
export interface LayerControl {
  /** A go at the layer begins; aborting the signal ends this go alone. The abort's reason is told as its cause. */
  begin(id: LayerId): AbortSignal;
  /** Asked after such an abort: true begins again, with what the graph says of the layer then; false leaves it cancelled. */
  again(id: LayerId): Promise<boolean>;
  /** Comes before each build, in the layer's turn. What it throws is the layer's failure, and nothing is built. */
  beforeBuild(work: LayerWork, layer: Layer, place: TurnPlace): Promise<void>;
}

/** What a layer has while it is worked on. */
export interface TurnPlace {
  readonly log: LayerLog;
  /** Descriptor of the layer's lock, which children inherit. */
  readonly lockFd: number;
}
