import { existsSync } from 'node:fs';
import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { openFailedBuilds } from '../records/failed-builds.ts';
import { ImageGone } from '../records/image-gone.ts';
import { imageFolder } from '../records/local-memory.ts';
import { openRecords } from '../records/record-store.ts';
import { setRecord } from '../run/gather-facts.ts';
import { imageInStorage } from '../run/image-of.ts';
import type { Workspace } from '../system/workspace.ts';
import type { CommandContext } from './command.ts';
import { checkpointOf } from './inside-checkpoint.ts';
import { minuteOf } from './inside-words.ts';
import type { LoadedTree } from './load-tree.ts';
import { prepare } from './prepare.ts';

/** An image in storage, and in words which one it is, to come after the layer's id. */
export interface EnteredImage {
  readonly id: string;
  readonly text: string;
}

/**
 * The image of a checkpoint (`--at PART`) or of the layer's last build, pulled where only others have it. Throws InvalidInput where there is
 * none, and the tree's `problem` where that keeps it from being looked for.
 */
export async function imageToEnter(
  context: CommandContext,
  { graph, stateDir, problem }: LoadedTree & { readonly problem: InvalidInput | undefined },
  id: LayerId,
  workspace: Workspace,
): Promise<EnteredImage> {
  const { at } = context.values;
  if (typeof at === 'string') return checkpointOf(graph.layers.get(id) as Layer, at, stateDir, workspace);
  const stored = openRecords(stateDir).read(id);
  const record = stored.kind === 'record' ? stored.record : undefined;
  const local = record?.image.local;
  const isHere = local !== undefined && existsSync(imageFolder(local));
  if (record !== undefined && isHere && (await workspace.buildah.store()).graphRoot === local.graphRoot)
    return { id: local.id, text: builtText(record) };
  if (problem !== undefined) throw problem;
  return fromElsewhere(context, id, workspace);
}

/** Asks the plan, which knows where an image may be that this machine has not got, and pulls it. */
async function fromElsewhere(context: CommandContext, id: LayerId, workspace: Workspace): Promise<EnteredImage> {
  const prepared = await prepare({ ...context, values: { 'no-publish': true } }, [id]);
  for (const { id: layer, message } of prepared.warnings)
    context.warn(layer === null ? message : `${layer}: ${message}`);
  const { facts, plan, records } = prepared;
  const adopted = plan.decisions.get(id)?.adopted;
  const isOwn = facts.records.has(id);
  if (!isOwn && adopted !== undefined) setRecord(facts, adopted);
  const remember = async (record: LayerRecord) => {
    setRecord(facts, record);
    // What others built becomes this tree's when a build takes it over.
    if (isOwn) await records.write(record);
  };
  const record = facts.records.get(id);
  const hint = `'layers build ${id}' builds it${failedToo(prepared.stateDir, id)}`;
  if (record === undefined)
    throw new InvalidInput(`${id} was never built here, and nobody shares a build of it as it is now`, { hint });
  try {
    const image = await imageInStorage({ ...prepared, remember }, id, workspace);
    return { id: image.id, text: builtText(record) };
  } catch (error) {
    if (!(error instanceof ImageGone)) throw error;
    throw new InvalidInput(error.message, { hint, cause: error });
  }
}

function failedToo(stateDir: string, id: LayerId): string {
  const kept = openFailedBuilds(stateDir).read(id);
  return kept === undefined ? '' : `; '--at failed' enters the build that failed at ${minuteOf(kept.at)}`;
}

function builtText({ lastBuiltAt, recipeKey }: LayerRecord): string {
  return ` of ${minuteOf(lastBuiltAt)} (recipe ${recipeKey.slice(0, 12)})`;
}
