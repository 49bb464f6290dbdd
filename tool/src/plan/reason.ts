import type { LayerId } from '../config/layer.ts';

/** Why a layer is not in line. `text` is for people and holds no values that may be secret. */
export interface Reason {
  readonly code: string;
  readonly text: string;
  /** It comes from an ancestor: this one. Without it the reason is the layer's own. */
  readonly from?: LayerId;
}
