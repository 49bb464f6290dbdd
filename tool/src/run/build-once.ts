import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BuildFailure, type BuildReport } from '../build/builder.ts';
import { builderFor } from '../build/builders.ts';
import type { Layer } from '../config/layer.ts';
import type { LockedImage } from '../config/lock.ts';
import { linksOf, type ParentLink } from '../graph/layer-graph.ts';
import { keyFiles, type LayerInputs } from '../inputs/layer-inputs.ts';
import { recipeOf } from '../plan/candidates.ts';
import { afterBuild, ageReason } from '../plan/drift.ts';
import type { LayerLock } from '../plan/facts.ts';
import { recordOf } from '../plan/reuse.ts';
import type { InputSet } from '../recipe/input-set.ts';
import type { KnownBuild } from '../recipe/known-build.ts';
import { probeKeyOf, type Recipe, type RecipeParent, recipeKeyOf } from '../recipe/recipe.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { keepBuild } from '../records/layer-memory.ts';
import type { Workspace } from '../system/workspace.ts';
import { type BuiltImage, buildImage } from './build-image.ts';
import { type LayerCheckpoints, layerCheckpoints } from './checkpoints.ts';
import { type ChosenImages, chooseImages } from './chosen-images.ts';
import { readLayerInputs } from './gather-facts.ts';
import { keptName } from './kept-name.ts';
import type { LayerWork } from './work-on-layer.ts';

interface Attempt {
  /** From 1. */
  readonly attempt: number;
  /** The same recipe may have been built before: this build takes its place. */
  readonly replaces: boolean;
}

/**
 * Builds a layer and keeps the image under its key. Gives the record, which is not written yet; undefined when an input changed
 * meanwhile, or was changed and changed back: nothing has left the machine then.
 */
export async function buildOnce(
  work: LayerWork,
  layer: Layer,
  { attempt, replaces }: Attempt,
  workspace: Workspace,
): Promise<LayerRecord | undefined> {
  const before = await readInputs(work, layer);
  const images = await chooseImages(work, layer, workspace);
  const builtAt = new Date().toISOString();
  const beganAt = await fileSystemTime(workspace.temporary);
  const started = performance.now();
  const staged = await work.reader.stageCopies(layer, join(workspace.temporary, `staged-${attempt}`));
  const { files } = before.fixed;
  const areUnchanged = async () => (await readInputs(work, layer)).stamp === before.stamp;
  const checkpoints = checkpointsOf(work, layer, images, { files, replaces, areUnchanged }, workspace);
  const built = await buildImage(layer, images, { files, staged, ...checkpoints }, workspace);
  const durationMs = Math.round(performance.now() - started);
  const after = await readInputs(work, layer);
  if (after.stamp !== before.stamp) return undefined;
  const used = await usedByAnsible(work, layer, built.report, workspace, beganAt);
  if (used === 'changed') return undefined;
  const newLock = lockAfter(work, layer, images, built, workspace);
  const recipe = recipeOf(layer, images.recipe, work.facts, { ...after.fixed.files, ...used?.files });
  const recipeKey = recipeKeyOf(recipe);
  const build = await keepEarlier(work, layer, { built, recipeKey, builtAt, durationMs }, workspace);
  await workspace.buildah.tag(build.image.local.id, [keptName(layer.id, recipeKey)]);
  const memory = await work.memoryOf(layer);
  const inputs = used && { key: probeKeyOf(recipe, after.fixed.files), set: used.set };
  const kept = await workspace.step('keep', () =>
    keepBuild(memory, { ...build, layer, recipe }, workspace, { replace: replaces, ...(inputs && { inputs }) }),
  );
  // After the image: a lock that is ahead of every build would only build it once more.
  if (newLock !== undefined) await work.writeLock(layer.id, newLock);
  if (kept.content !== build.content) workspace.say('another machine built it first: its image is taken over');
  const publications = work.facts.records.get(layer.id)?.publications ?? {};
  return recordOf(layer, linksOf(work.graph, layer.id), recipe, kept, { set: used?.set, publications });
}

/** None of an Ansible layer, which is built as a whole, nor where nothing is to be left but the image. */
function checkpointsOf(
  work: LayerWork,
  layer: Layer,
  { parent: image, recipe: on }: ChosenImages,
  {
    files,
    replaces,
    areUnchanged,
  }: { readonly files: Recipe['files']; readonly replaces: boolean; areUnchanged(): Promise<boolean> },
  workspace: Workspace,
): { checkpoints?: LayerCheckpoints } {
  if (!work.checkpoints || layer.options.layer_type === 'ansible') return {};
  const { facts, wish, place } = work;
  const use = {
    id: layer.id,
    tree: place.stateDir,
    // Equal content, and yet perhaps another image: its layers are below ours.
    ground: { ...on, ...(on.parent.kind === 'layer' && { image: image.from }) },
    stepVersion: builderFor(layer).stepVersion,
    recipe: recipeOf(layer, on, facts, files),
    keyFiles: keyFiles(layer, place.root).map(({ name }) => name),
    starts: !replaces && !wish.refresh,
    isYoungEnough: (at: string) => ageReason(layer, at, facts.now) === undefined,
    areUnchanged,
  };
  return { checkpoints: layerCheckpoints(use, workspace) };
}

/** A build past the lock is not recorded under it: it fails with BuildFailure, or gives the entry that takes what was used. */
function lockAfter(
  work: LayerWork,
  layer: Layer,
  { recipe }: ChosenImages,
  { report }: BuiltImage,
  workspace: Workspace,
): LayerLock | undefined {
  const links = linksOf(work.graph, layer.id);
  const parent = lockedImage(links.parent, recipe.parent);
  const tools = lockedImage(links.tools, recipe.toolsImage);
  const used = { repositories: report.repositories ?? {}, ...(parent && { parent }), ...(tools && { tools }) };
  const { locked } = work.wish;
  const { lock, changed, differences, problem } = afterBuild(work.facts.locks.get(layer.id), used, { locked });
  if (problem !== undefined) {
    throw new BuildFailure(problem, { hint: "review and 'layers lock', or build without --locked" });
  }
  if (!changed || lock === undefined) return undefined;
  for (const difference of differences) workspace.warn(`layers.lock takes what was used: ${difference}`);
  work.facts.locks.set(layer.id, lock);
  return lock;
}

function lockedImage(link: ParentLink | undefined, used: RecipeParent | undefined): LockedImage | undefined {
  const isExternal = link?.kind === 'external' && used?.kind === 'external';
  return isExternal ? { reference: link.reference, digest: used.manifest } : undefined;
}

/** All that may decide the layer, in one stamp. */
async function readInputs(work: LayerWork, layer: Layer): Promise<{ fixed: LayerInputs; stamp: string }> {
  const fixed = await readLayerInputs({ reader: work.reader.anew(), warn: () => {} }, work.facts, layer);
  if (layer.options.layer_type !== 'ansible') return { fixed, stamp: fixed.stamp };
  const { stamp } = await work.reader.mayRead(layer);
  return { fixed, stamp: `${fixed.stamp}\n${stamp}` };
}

/** What came or went during the build before, by the workspace that all builds of a layer in a run share. */
const cameOrWentBefore = new WeakMap<Workspace, string>();

/** What the playbooks depended on; `changed` where a part of that was written since the build began, or came or went meanwhile. */
async function usedByAnsible(
  work: LayerWork,
  layer: Layer,
  { trace }: BuildReport,
  workspace: Workspace,
  beganAt: number,
): Promise<{ readonly set: InputSet; readonly files: Recipe['files'] } | 'changed' | undefined> {
  if (layer.options.layer_type !== 'ansible') return undefined;
  const { temporary } = workspace;
  const set = await work.reader.named(layer, trace, temporary);
  const { files, newest } = await work.reader.ofSet(layer, set);
  const moved = trace === undefined ? [] : await work.reader.cameOrWent(layer, trace, set, temporary);
  const before = cameOrWentBefore.get(workspace);
  cameOrWentBefore.set(workspace, moved.join('\n'));
  for (const file of moved) workspace.say(`came or went while the playbooks ran: ${file}`);
  // Twice the same: a program that the playbook starts makes it and takes it away.
  if (newest >= beganAt || (moved.length > 0 && moved.join('\n') !== before)) return 'changed';
  work.facts.recorded.set(layer.id, { files });
  return { set, files };
}

/** Milliseconds by the clock of the file system, which stamps what is edited while the layer is built. */
async function fileSystemTime(folder: string): Promise<number> {
  await mkdir(folder, { recursive: true });
  const probe = join(folder, 'began');
  await writeFile(probe, '');
  return (await stat(probe)).mtimeMs;
}

interface Fresh {
  readonly built: BuiltImage;
  readonly recipeKey: KnownBuild['recipeKey'];
  readonly builtAt: string;
  readonly durationMs: number;
}

/** Equal content keeps the earlier image, so that nothing is published again and children stay as they are. */
async function keepEarlier(
  work: LayerWork,
  layer: Layer,
  { built, recipeKey, builtAt, durationMs }: Fresh,
  workspace: Workspace,
): Promise<KnownBuild & { readonly image: { readonly local: NonNullable<KnownBuild['image']['local']> } }> {
  const earlier = work.facts.records.get(layer.id);
  const isSame = earlier?.content === built.content;
  const local = isSame && !work.facts.missingImages.has(layer.id) ? earlier.image.local : undefined;
  if (local !== undefined) workspace.say('same content as before: the earlier image is kept');
  return {
    recipeKey,
    content: built.content,
    image: { local: local ?? built.image },
    inheritedLabels: built.inheritedLabels,
    builtAt: isSame ? earlier.builtAt : builtAt,
    // Its packages are as old as that.
    lastBuiltAt: built.startedFrom?.builtAt ?? builtAt,
    durationMs,
    repositories: built.report.repositories ?? {},
  };
}
