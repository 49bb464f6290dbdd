import { SETTINGS_FILE } from '../config/gather-layers.ts';
import type { LayerId } from '../config/layer.ts';
import { LOCK_FILE, type Lock } from '../config/lock.ts';
import { parseLock } from '../config/lock-parse.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { canonicalJson } from '../recipe/canonical.ts';

/** Layers of `now` that settings or other layers' files changed: what is merged differs, or another image is linked. Pure. */
export function changedLayers(before: LayerGraph, now: LayerGraph): Map<LayerId, string> {
  const changed = new Map<LayerId, string>();
  for (const [id, layer] of now.layers) {
    const old = before.layers.get(id);
    if (old === undefined) changed.set(id, `${layer.file} is new`);
    else if (isOther(old, layer)) changed.set(id, `what ${layer.file} and ${SETTINGS_FILE} come to changed`);
    else if (isOther(before.parents.get(id), now.parents.get(id))) {
      changed.set(id, `parent ${layer.options.parent} is another one now`);
    } else if (isOther(before.tools.get(id), now.tools.get(id))) {
      changed.set(id, `tools image ${layer.options.tools_image} is another one now`);
    }
  }
  return changed;
}

/** Layers whose entry in layers.lock differs; undefined where a text is no lock. No text: no lock. Pure. */
export function changedLocks(before: string | undefined, now: string | undefined): Map<LayerId, string> | undefined {
  const [old, fresh] = [entriesOf(before), entriesOf(now)];
  if (old === undefined || fresh === undefined) return undefined;
  const differing = [...new Set([...old.keys(), ...fresh.keys()])].filter((id) => isOther(old.get(id), fresh.get(id)));
  return new Map(differing.map((id) => [id as LayerId, `${LOCK_FILE}: the entry of ${id} changed`]));
}

function entriesOf(text: string | undefined): Lock | undefined {
  return text === undefined ? new Map() : parseLock(text).lock;
}

function isOther(one: unknown, other: unknown): boolean {
  return canonicalJson(one ?? null) !== canonicalJson(other ?? null);
}
