import { builderFor } from '../build/builders.ts';
import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer } from '../config/layer.ts';
import { buildStampOf } from '../recipe/checkpoint.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { type Checkpoints, openCheckpoints } from '../records/checkpoints.ts';
import type { LastCheckpoint } from '../records/last-checkpoints.ts';
import { openRecords, recordWrittenAt } from '../records/record-store.ts';
import type { Workspace } from '../system/workspace.ts';
import { minuteOf } from './inside-words.ts';

/** The checkpoint of the layer's last build. Throws InvalidInput where that has none of this part, whatever earlier builds left. */
export async function checkpointOf(
  layer: Layer,
  part: string,
  stateDir: string,
  { buildah }: Workspace,
): Promise<{ readonly id: string; readonly text: string }> {
  const { graphRoot } = await buildah.store();
  const checkpoints = openCheckpoints(graphRoot);
  const stored = openRecords(stateDir).read(layer.id);
  const record = stored.kind === 'record' ? stored.record : undefined;
  const last = lastBuilds(checkpoints, layer, { tree: stateDir, record });
  const kept = checkpoints.list().filter(({ isThere }) => isThere);
  // The latest first, as `last` is: a build that failed began later than the good one.
  const own = last.flatMap(({ key }) => kept.find((one) => one.key === key) ?? []);
  const found = own.find((one) => one.part === part);
  if (found !== undefined) return { id: found.image.id, text: ` after its ${part}, of ${minuteOf(found.builtAt)}` };
  throw noCheckpoint(layer, part, {
    others: own.map((one) => one.part),
    older: kept.find((one) => one.layer === layer.id && one.part === part)?.builtAt,
  });
}

/** Of the build that is on record, whoever made it, and of this tree's later one that failed. */
function lastBuilds(
  checkpoints: Checkpoints,
  { id }: Layer,
  of: { readonly tree: string; readonly record: LayerRecord | undefined },
): readonly LastCheckpoint[] {
  const noted = checkpoints.lastOf(id);
  const good = of.record && buildStampOf(of.record.recipe);
  const latest = noted.find(({ tree }) => tree === of.tree);
  const failed = latest !== undefined && latest.at > recordWrittenAt(of.tree, id) ? latest.build : undefined;
  return noted.filter(({ tree, build }) => build === good || (tree === of.tree && build === failed));
}

interface Instead {
  /** Parts after which the last build has one. */
  readonly others: readonly string[];
  /** ISO 8601: when an earlier build made one of this part. */
  readonly older?: string | undefined;
}

export function noCheckpoint(layer: Layer, part: string, { others: [other], older }: Instead): InvalidInput {
  const of = older === undefined ? '' : `; the one of ${minuteOf(older)} is of another build`;
  return new InvalidInput(`no checkpoint of ${layer.id} after its ${part} is kept here of its last build${of}`, {
    hint: other === undefined ? hintFor(layer, part) : `'--at ${other}' is`,
  });
}

function hintFor(layer: Layer, part: string): string {
  const { layer_type, parent } = layer.options;
  if (layer_type === 'ansible') return "only base layers have them, and this is an Ansible layer: leave out '--at'";
  const parts = builderFor(layer).parts?.(layer, parent === 'scratch') ?? [];
  if (parts.some(({ name }) => name === part)) return `a build makes one: 'layers build ${layer.id} --force'`;
  return `${layer.file} has no ${part}: leave out '--at' for its last build, or '--at failed' for one that failed`;
}
