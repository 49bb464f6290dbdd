import { stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { BuildFailure } from '../build/builder.ts';
import { type BoundMount, boundMounts, withMountPoints } from '../build/mounts.ts';
import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { select } from '../graph/select.ts';
import { resolveSource } from '../inputs/copyfiles.ts';
import { openFailedBuilds } from '../records/failed-builds.ts';
import { enterContainer } from '../run/enter.ts';
import { lockFailed } from '../run/keep-failed.ts';
import { knownIsolation } from '../run/known-isolation.ts';
import { openThrowaway, type Throwaway } from '../run/throwaway.ts';
import { createExec } from '../system/exec.ts';
import type { Workspace } from '../system/workspace.ts';
import type { CommandContext } from './command.ts';
import { enterUserNamespace } from './enter-user-namespace.ts';
import { holdStorage } from './hold-storage.ts';
import { imageToEnter } from './inside-image.ts';
import { failedWords } from './inside-words.ts';
import { type LoadedTree, loadTreeInPart } from './load-tree.ts';
import { printDiagnostics } from './print-diagnostics.ts';
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
  const { loaded, problem } = await loadTreeInPart({ ...context.options, cwd: context.cwd, env: context.env });
  const id = problem === undefined ? oneLayer(loaded, selector, context.cwd) : inSpiteOf(problem, loaded, selector);
  makeStateFolder(loaded.stateDir);
  const exec = createExec({ env: context.env, signal: context.signal });
  const isolation = await knownIsolation(loaded.stateDir, exec, context.env).catch(refuseMissing);
  const { env, signal, forced, stdout, stderr, values } = context;
  const place = { root: loaded.tree.root, environment: env, isolation, signal, forced };
  // What is returned below is awaited: it is over before the place goes.
  await using throwaway = openThrowaway(place, loaded.stateDir, temporaryRoot(env.TMPDIR));
  const workspace = throwaway.workspace(id);
  const streams = { stdin: process.stdin, stdout, stderr };
  const layer = loaded.graph.layers.get(id) as Layer;
  // A finished image is looked at as nodes will have it; where a step is to be tried, there is what steps have.
  const mounts = values.at === undefined ? [] : await lentMounts(layer, context, loaded.tree.root);
  const enter = (container: string) =>
    withMounts(container, mounts, workspace, (volumes) =>
      enterContainer(container, { id, argv, streams, env, signal, volumes }, workspace),
    );
  if (values.at === 'failed') {
    tellProblem(context, problem, argv === undefined);
    return await inFailed(context, loaded, id, { workspace, enter, isShell: argv === undefined });
  }
  const { container, text } = await newContainer(context, { ...loaded, problem }, id, throwaway);
  tellProblem(context, problem, argv === undefined);
  // Whoever asked for one command's output gets that.
  if (argv === undefined) context.warn(`${id}${text}: a throwaway container, nothing of it stays`);
  return await enter(container);
}

function oneLayer({ tree, graph }: LoadedTree, selector: string, cwd: string): LayerId {
  const named = [...select(graph, { selectors: [selector], prefix: relative(tree.root, cwd) }).named];
  const [id] = named;
  if (id !== undefined && named.length === 1) return id;
  throw new InvalidInput(`'${selector}' names ${named.length} layers: ${named.slice(0, 5).join(', ')}`, {
    hint: 'one can be entered at a time',
  });
}

/** A layer that is right by itself, named so that no file that is wrong can be meant. Throws the problem where there is none. */
function inSpiteOf(problem: InvalidInput, { graph }: LoadedTree, selector: string): LayerId {
  const wrong = problem.diagnostics.filter(({ severity }) => severity === 'error').map(({ file }) => file);
  const named = [...graph.layers.values()].filter(({ id, options }) => id === selector || options.name === selector);
  const [layer] = named;
  const mayBeMeant = (file: string) => `/${file.replace(/\.ya?ml$/, '')}`.endsWith(`/${selector}`);
  if (layer === undefined || named.length > 1 || wrong.some((file) => mayBeMeant(file))) throw problem;
  return layer.id;
}

/** Of a tree that could not be built: whoever sits there sees all of it. */
function tellProblem(context: CommandContext, problem: InvalidInput | undefined, isShell: boolean): void {
  if (problem === undefined) return;
  if (isShell) printDiagnostics(context, problem.diagnostics, problem.root);
  const files = new Set(problem.diagnostics.filter(({ severity }) => severity === 'error').map(({ file }) => file));
  context.warn(
    `the tree has problems in ${[...files].join(', ')}, and nothing of it can be built until they are mended`,
  );
}

/** The layer's mounts whose sources are there: one that is missing is told, and keeps nobody out. */
async function lentMounts(layer: Layer, { warn }: CommandContext, root: string): Promise<BoundMount[]> {
  const mounts = boundMounts({ layer, resolve: (file) => resolveSource(root, layer.file, file) });
  const found = await Promise.all(mounts.map(({ source }) => stat(source).catch(() => undefined)));
  return mounts.filter(({ source, dest }, index) => {
    if (found[index] !== undefined) return true;
    warn(`mounts: ${source} is not there, and nothing is mounted at ${dest}`);
    return false;
  });
}

async function withMounts(
  container: string,
  mounts: readonly BoundMount[],
  { buildah }: Workspace,
  enter: (volumes: readonly string[]) => Promise<number>,
): Promise<number> {
  if (mounts.length === 0) return enter([]);
  try {
    return await withMountPoints(await buildah.mount(container), mounts, enter);
  } catch (error) {
    if (!(error instanceof BuildFailure)) throw error;
    throw new InvalidInput(error.message, { cause: error });
  }
}

/** No prune comes between the choice of an image and the container that uses it; once that is there, none takes the image. */
async function newContainer(
  context: CommandContext,
  loaded: LoadedTree & { readonly problem: InvalidInput | undefined },
  id: LayerId,
  throwaway: Throwaway,
): Promise<{ readonly container: string; readonly text: string }> {
  const { env, signal } = context;
  const place = { root: loaded.tree.root, stateDir: loaded.stateDir };
  const storage = await holdStorage(context, place, createExec({ env, signal }));
  try {
    const workspace = throwaway.workspace(id, storage === undefined ? [] : [storage.lock.fd]);
    const image = await imageToEnter(context, loaded, id, workspace);
    return { container: await workspace.buildah.from(image.id, { pull: 'never' }), text: image.text };
  } finally {
    storage?.lock.release();
  }
}

interface Entering {
  readonly workspace: Workspace;
  readonly isShell: boolean;
  readonly enter: (container: string) => Promise<number>;
}

/** The container itself, so that a remedy can be tried where it matters; nobody removes it meanwhile. */
async function inFailed(
  { warn }: CommandContext,
  { stateDir }: LoadedTree,
  id: LayerId,
  { workspace: { buildah }, enter, isShell }: Entering,
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
    for (const line of failedWords(kept, isShell)) warn(line);
    await failed.write({ ...kept, enteredAt: new Date().toISOString() });
    return await enter(kept.container);
  } finally {
    lock?.release();
  }
}
