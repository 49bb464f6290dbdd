import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import type { LayerId } from '../config/layer.ts';
import { select } from '../graph/select.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { openCheckpoints } from '../records/checkpoints.ts';
import { openFailedBuilds } from '../records/failed-builds.ts';
import { ImageGone } from '../records/image-gone.ts';
import { imageFolder } from '../records/local-memory.ts';
import { openRecords } from '../records/record-store.ts';
import { enterContainer } from '../run/enter.ts';
import { setRecord } from '../run/gather-facts.ts';
import { imageInStorage } from '../run/image-of.ts';
import { lockFailed } from '../run/keep-failed.ts';
import { knownIsolation } from '../run/known-isolation.ts';
import { openThrowaway } from '../run/throwaway.ts';
import { createExec } from '../system/exec.ts';
import type { Workspace } from '../system/workspace.ts';
import type { CommandContext } from './command.ts';
import { enterUserNamespace } from './enter-user-namespace.ts';
import { type LoadedTree, loadTree } from './load-tree.ts';
import { prepare } from './prepare.ts';
import { makeStateFolder, refuseMissing, temporaryRoot } from './start-run.ts';

/**
 * Runs a command, or a shell, inside one layer: in a throwaway container of its last build or of a checkpoint, or in the very container
 * that was kept of its failed build. The terminal is handed over meanwhile. Gives the command's exit code. Throws InvalidInput where
 * there is nothing to enter.
 * @param selector one layer
 * @param argv undefined: a shell
 */
export async function goInside(
  context: CommandContext,
  selector: string,
  argv: readonly string[] | undefined,
): Promise<number> {
  enterUserNamespace(context);
  const loaded = await loadTree({ ...context.options, cwd: context.cwd, env: context.env });
  const id = oneLayer(loaded, selector, context.cwd);
  makeStateFolder(loaded.stateDir);
  const exec = createExec({ env: context.env, signal: context.signal });
  const isolation = await knownIsolation(loaded.stateDir, exec, context.env).catch(refuseMissing);
  const { env, signal, forced, stdout, stderr } = context;
  const place = { root: loaded.tree.root, environment: env, isolation, signal, forced };
  // What is returned below is awaited: it is over before the place goes.
  await using throwaway = openThrowaway(place, loaded.stateDir, temporaryRoot(env.TMPDIR));
  const workspace = throwaway.workspace(id);
  const streams = { stdin: process.stdin, stdout, stderr };
  const enter = (container: string) => enterContainer(container, { id, argv, streams, env, signal }, workspace);
  const say = (text: string) => {
    // Whoever asked for one command's output gets that.
    if (argv === undefined) context.warn(text);
  };
  if (context.values.at === 'failed') return await inFailed(loaded, id, workspace, { enter, say });
  const image = await imageToEnter(context, loaded, id, workspace);
  say(`${id}${image.text}: a throwaway container, nothing of it stays`);
  return await enter(await workspace.buildah.from(image.id, { pull: 'never' }));
}

function oneLayer({ tree, graph }: LoadedTree, selector: string, cwd: string): LayerId {
  const named = [...select(graph, { selectors: [selector], prefix: relative(tree.root, cwd) }).named];
  const [id] = named;
  if (id !== undefined && named.length === 1) return id;
  throw new InvalidInput(`'${selector}' names ${named.length} layers: ${named.slice(0, 5).join(', ')}`, {
    hint: 'one can be entered at a time',
  });
}

async function imageToEnter(
  context: CommandContext,
  loaded: LoadedTree,
  id: LayerId,
  workspace: Workspace,
): Promise<{ readonly id: string; readonly text: string }> {
  const { at } = context.values;
  if (typeof at === 'string') return checkpointOf(id, at, workspace);
  const stored = openRecords(loaded.stateDir).read(id);
  const record = stored.kind === 'record' ? stored.record : undefined;
  const local = record?.image.local;
  const isHere = local !== undefined && existsSync(imageFolder(local));
  if (record !== undefined && isHere && (await workspace.buildah.store()).graphRoot === local.graphRoot)
    return { id: local.id, text: builtText(record) };
  return fromElsewhere(context, id, workspace);
}

/** The one that a build last made or began with. */
async function checkpointOf(
  id: LayerId,
  part: string,
  { buildah }: Workspace,
): Promise<{ readonly id: string; readonly text: string }> {
  const { graphRoot } = await buildah.store();
  const checkpoints = openCheckpoints(graphRoot).list();
  const found = checkpoints.find((one) => one.layer === id && one.part === part && one.isThere);
  if (found !== undefined) return { id: found.image.id, text: ` after its ${part}, of ${minuteOf(found.builtAt)}` };
  const others = checkpoints.filter((one) => one.layer === id && one.isThere).map((one) => one.part);
  throw new InvalidInput(`no checkpoint of ${id} after its ${part} is kept here`, {
    hint:
      others.length > 0
        ? `'--at ${others[0]}' is`
        : `a build makes them of base layers with more than one part: 'layers build ${id} --force'`,
  });
}

/** Asks the plan, which knows where an image may be that this machine has not got, and pulls it. */
async function fromElsewhere(
  context: CommandContext,
  id: LayerId,
  workspace: Workspace,
): Promise<{ readonly id: string; readonly text: string }> {
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
  const hint = `'layers build ${id}' builds it`;
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

function builtText({ lastBuiltAt, recipeKey }: LayerRecord): string {
  return ` of ${minuteOf(lastBuiltAt)} (recipe ${recipeKey.slice(0, 12)})`;
}

/** `2026-11-24 15:53`, as the machine's clock shows it. */
function minuteOf(at: string): string {
  return new Date(at).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' });
}

interface Doing {
  readonly enter: (container: string) => Promise<number>;
  readonly say: (text: string) => void;
}

/** The container itself, so that a remedy can be tried where it matters; nobody removes it meanwhile. */
async function inFailed(
  { stateDir }: LoadedTree,
  id: LayerId,
  { buildah }: Workspace,
  { enter, say }: Doing,
): Promise<number> {
  const failed = openFailedBuilds(stateDir);
  const kept = failed.read(id);
  const hint = `'layers build ${id} --keep-failed' keeps the next one that fails`;
  if (kept === undefined) throw new InvalidInput(`no failed build of ${id} is kept`, { hint });
  const lock = lockFailed(kept, join(stateDir, 'locks'), 'together');
  try {
    const { graphRoot } = await buildah.store();
    if (graphRoot !== kept.graphRoot)
      throw new InvalidInput(
        `the failed build of ${id} is kept in ${kept.graphRoot}, and the storage here is ${graphRoot}`,
      );
    if (lock === undefined || !(await buildah.hasContainer(kept.container))) {
      throw new InvalidInput(`the container of the failed build of ${id} is gone`, { hint });
    }
    say(`${id} as its build failed at ${minuteOf(kept.at)} in the step '${kept.step}': ${kept.message}`);
    say('this is that container itself: it goes when the layer is built well, and nothing of it comes into an image');
    if (kept.enteredAt !== undefined) say(`somebody was in it at ${minuteOf(kept.enteredAt)}: it may be changed`);
    await failed.write({ ...kept, enteredAt: new Date().toISOString() });
    return await enter(kept.container);
  } finally {
    lock?.release();
  }
}
