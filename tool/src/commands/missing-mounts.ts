import { type Diagnostic, InvalidInput } from '../config/diagnostic.ts';
import type { LayerId } from '../config/layer.ts';
import { withDescendants } from '../graph/select.ts';
import { missingMounts } from '../inputs/missing-mounts.ts';
import { mountProblems } from '../run/mount-problems.ts';
import type { Prepared } from './prepare.ts';

type Planned = Pick<Prepared, 'root' | 'graph' | 'plan'>;

/** Of layers that are to be built. Others are none of its business: an entitlement is on few machines. */
export async function plannedMountProblems({ root, graph, plan }: Planned): Promise<Diagnostic[]> {
  const problems: Diagnostic[] = [];
  for (const { id, action } of plan.decisions.values()) {
    const layer = action === 'build' || action === 'pending' ? graph.layers.get(id) : undefined;
    if (layer !== undefined) problems.push(...(await mountProblems(layer, root)));
  }
  return problems;
}

/**
 * Throws InvalidInput where a layer that is to be built has a mount whose source is not there, with the place of each. `keepGoing`: only
 * where nothing else is to be done; else the layer will fail by itself.
 */
export async function refuseMissingMounts(prepared: Planned, keepGoing: boolean): Promise<void> {
  const diagnostics = await plannedMountProblems(prepared);
  if (diagnostics.length === 0 || (keepGoing && hasOthers(prepared))) return;
  const { root } = prepared;
  throw new InvalidInput('mounts whose sources are not there, nothing was done', { diagnostics, root });
}

/** Whether there is something to do besides what cannot be built so and what stands on that. */
function hasOthers({ root, graph, plan }: Planned): boolean {
  const open = [...plan.decisions.values()].filter(({ action }) => action !== 'nothing');
  const built = new Set(open.flatMap(({ id, action }) => (action === 'build' || action === 'pending' ? [id] : [])));
  const failing = [...built].filter((id) => {
    const layer = graph.layers.get(id);
    return layer !== undefined && missingMounts(layer, root).length > 0;
  });
  const left: ReadonlySet<LayerId> = withDescendants(graph, failing);
  return open.some(({ id }) => !left.has(id));
}
