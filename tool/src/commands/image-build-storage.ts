import { destinationsOf } from '../config/destinations.ts';
import type { Layer } from '../config/layer.ts';
import { externalKey } from '../graph/external-image.ts';
import { externalsOf } from '../graph/layer-graph.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { pinnedReference } from '../run/external-parent.ts';
import { keptName } from '../run/kept-name.ts';

import type { Buildah } from '../system/buildah.ts';
import type { Exec } from '../system/command.ts';
import { openAsking } from './asking.ts';
import type { CommandContext } from './command.ts';
import type { Prepared } from './prepare.ts';

/** What local storage had before a build. */
interface WatchedStorage {
  readonly exec: Exec;
  readonly buildah: Buildah;
  /** Names of the parent's and the tools image in storage, without those that were there already. */
  readonly pulled: readonly string[];
}

/** To be asked before the build: an image that is the user's own is never touched. */
export async function watchStorage(
  context: CommandContext,
  { graph, facts, root }: Pick<Prepared, 'graph' | 'facts' | 'root'>,
): Promise<WatchedStorage> {
  // Not ended by the run's signal: what an interrupted build pulled goes as well.
  const { exec, buildah } = openAsking({ ...context, signal: context.forced }, root);
  const pulled: string[] = [];
  for (const image of graph.order.flatMap((id) => externalsOf(graph, id))) {
    const digest = facts.externals.get(externalKey(image));
    if (digest === undefined) continue;
    const { reference } = image;
    const name = pinnedReference(reference, digest);
    const known = await Promise.all([buildah.inspect(name), buildah.inspect(reference)]).catch(() => ['unknown']);
    const isOwn = name === reference || known.some((one) => one !== undefined);
    if (!isOwn) pulled.push(name);
  }
  return { exec, buildah, pulled };
}

/**
 * After a build nothing is left but what was asked for: not the image that publications were made from, nor what was pulled for
 * it. Gives a line about what stays all the same, for the user to find.
 */
export async function tidyUp(
  { exec, buildah, pulled }: WatchedStorage,
  built: readonly { readonly layer: Layer; readonly record: LayerRecord | undefined }[],
  { failed, isAlone }: { readonly failed: boolean; isAlone(): boolean },
): Promise<string[]> {
  const lines: string[] = [];
  for (const { layer, record } of built) {
    if (record === undefined) continue;
    const name = keptName(layer.id, record.recipeKey);
    // A publication that failed has not lost the build.
    const stays = failed || destinationsOf(layer).length === 0;
    for (const image of await unnamedTwins(name, exec, buildah)) await remove(buildah, image);
    if (stays) lines.push(`the image is kept in local storage as ${name}`);
    else await remove(buildah, name);
  }
  // Another build may be about to start from it.
  if (lines.length === 0 && isAlone()) for (const name of pulled) await remove(buildah, name);
  return lines;
}

/** Images without a name and with the very same layers: the commit before it got its labels, and the like. */
async function unnamedTwins(name: string, exec: Exec, buildah: Buildah): Promise<string[]> {
  const kept = await buildah.inspect(name);
  if (kept === undefined) return [];
  const list = ['images', '--all', '--no-trunc', '--quiet', '--filter', 'dangling=true'];
  const { stdout } = await exec('buildah', list, { accept: [0, 1, 125], quiet: true });
  const ids = [...new Set(stdout.split('\n').filter((line) => /^sha256:[0-9a-f]{64}$/.test(line)))];
  const twins: string[] = [];
  for (const id of ids.map((one) => one.slice('sha256:'.length))) {
    const info = id === kept.id ? undefined : await buildah.inspect(id);
    if (info?.diffIds.join() === kept.diffIds.join()) twins.push(id);
  }
  return twins;
}

/** One that something else stands on, or that a container was made of, stays. */
async function remove(buildah: Buildah, image: string): Promise<void> {
  await buildah.removeImage(image).catch(() => undefined);
}
