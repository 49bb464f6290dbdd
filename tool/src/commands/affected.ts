import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import { SETTINGS_FILE } from '../config/gather-layers.ts';
import type { Layer, LayerId, TreeSettings } from '../config/layer.ts';
import { LOCK_FILE } from '../config/lock.ts';
import { affectedBy, type Changes, type Reads } from '../graph/affected.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { withDescendants } from '../graph/select.ts';
import { createDigester } from '../inputs/digest-file.ts';
import { digestInputSet } from '../inputs/input-set-digests.ts';
import { mayRead } from '../inputs/superset.ts';
import type { InputSet } from '../recipe/input-set.ts';
import type { Recipe } from '../recipe/recipe.ts';
import type { RecordStore } from '../records/record-store.ts';
import { type Git, GitProblem, openGit } from '../system/git.ts';
import { findBase, type GitBase } from '../system/git-base.ts';
import { changesSince, type GitChanges } from '../system/git-changes.ts';
import { readsOf } from './affected-reads.ts';
import type { SetsOf } from './affected-sets.ts';
import { openAsking } from './asking.ts';
import { type BaseTree, openBaseTree } from './base-tree.ts';
import { changedLayers, changedLocks } from './changed-layers.ts';
import type { CommandContext } from './command.ts';

export interface Affected {
  readonly base: GitBase;
  /** Layers that a change may touch by themselves, and how; in build order. */
  readonly reasons: ReadonlyMap<LayerId, string>;
  /** Those and all that stands on them: what `select` takes as `within`. */
  readonly layers: ReadonlySet<LayerId>;
}

interface Now {
  readonly root: string;
  readonly stateDir: string;
  readonly graph: LayerGraph;
  readonly settings: TreeSettings;
  readonly records: RecordStore;
}

/**
 * What `--affected [REF]` selects: layers that may come out differently since HEAD left `ref` (default: the default branch), up to the
 * files of now, whether committed or not. An Ansible layer counts too where nobody knows what its playbooks read.
 * @throws InvalidInput where git cannot tell
 */
export async function findAffected(
  context: CommandContext,
  now: Now,
  ref: string | undefined,
  setsOf: SetsOf,
): Promise<Affected> {
  try {
    const git = await openGit(openAsking(context, now.root).exec, now.root);
    const { CI_DEFAULT_BRANCH, GITHUB_BASE_REF } = context.env;
    const base = await findBase(git, ref, CI_DEFAULT_BRANCH || GITHUB_BASE_REF || undefined);
    const reasons = await reasonsSince(context, now, { git, base, setsOf });
    return { base, reasons, layers: withDescendants(now.graph, reasons.keys()) };
  } catch (error) {
    if (!(error instanceof GitProblem)) throw error;
    const { message, hint } = error;
    throw new InvalidInput(`--affected: ${message}`, { cause: error, ...(hint !== undefined && { hint }) });
  }
}

async function reasonsSince(
  context: CommandContext,
  now: Now,
  { git, base, setsOf }: { readonly git: Git; readonly base: GitBase; readonly setsOf: SetsOf },
): Promise<ReadonlyMap<LayerId, string>> {
  const changes = withoutState(now, await changesSince(git, base.commit));
  if (changes.changed.size === 0 && changes.ignored.size === 0) return new Map();
  const before = await openBefore(git, base, changes, { settings: now.settings, env: context.env });
  try {
    const layers = before.kind === 'none' ? new Map<LayerId, string>() : changedByTree(before, changes, now);
    const reads = await readsOfAll(now, before, context.env);
    const look = (more: ReadonlyMap<LayerId, string>) => {
      const looked = { ...changes, layers: new Map([...more, ...layers]) } satisfies Changes;
      return affectedBy(now.graph, looked, (layer) => reads.get(layer.id)?.reads ?? { names: [] });
    };
    const first = look(new Map());
    const certain = withDescendants(now.graph, first.keys());
    const open = [...reads].filter(([id, { isOfNow }]) => !isOfNow && !certain.has(id)).map(([id]) => id);
    if (open.length === 0) return first;
    return look(await answerOpen(now, reads, await setsOf(open), open));
  } finally {
    if (before.kind === 'tree') before.tree[Symbol.dispose]();
  }
}

/** Our own folder is no input of any layer; that it is there must not make one uncertain. */
function withoutState({ root, stateDir }: Now, changes: GitChanges): GitChanges {
  const own = `${relative(root, stateDir)}/`;
  return {
    ...changes,
    ignored: new Set([...changes.ignored].filter((name) => !`${name.replace(/\/$/, '')}/`.startsWith(own))),
  };
}

/** The tree as it was, where it is needed to tell what changed; `broken`: it had problems then. */
type Before =
  | { readonly kind: 'none' }
  | { readonly kind: 'tree'; readonly tree: BaseTree; readonly isWhole: boolean }
  | { readonly kind: 'broken' };

async function openBefore(
  git: Git,
  { commit }: GitBase,
  changes: GitChanges,
  { settings, env }: { readonly settings: TreeSettings; readonly env: CommandContext['env'] },
): Promise<Before> {
  const { layers } = settings.folders;
  const decides = [...changes.changed].some(
    (name) => name === SETTINGS_FILE || name === LOCK_FILE || name.startsWith(`${layers}/`),
  );
  // What playbooks read then is told only by the files of then.
  const isWhole = changes.gone.size > 0;
  if (!decides && !isWhole) return { kind: 'none' };
  // Which folder held the layers then is not known before its layers.yaml is read.
  const paths = isWhole || changes.changed.has(SETTINGS_FILE) ? {} : { paths: [layers, SETTINGS_FILE, LOCK_FILE] };
  try {
    return { kind: 'tree', tree: await openBaseTree(git, commit, { temporary: tmpdir(), env, ...paths }), isWhole };
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return { kind: 'broken' };
  }
}

function changedByTree(
  before: Exclude<Before, { kind: 'none' }>,
  { changed }: GitChanges,
  now: Now,
): Map<LayerId, string> {
  const everything = (why: string) => new Map([...now.graph.layers.keys()].map((id) => [id, why]));
  if (before.kind === 'broken') return everything('the tree of then cannot be read, so that anything may have changed');
  const layers = changedLayers(before.tree.graph, now.graph);
  if (!changed.has(LOCK_FILE)) return layers;
  const locks = changedLocks(textOf(before.tree.tree.root, LOCK_FILE), textOf(now.root, LOCK_FILE));
  if (locks === undefined) return everything(`${LOCK_FILE} changed`);
  return new Map([...locks, ...layers]);
}

interface Known {
  readonly reads: Reads;
  /** Whether a run on the files of now is known, so that nothing else can have been read. */
  readonly isOfNow: boolean;
}

async function readsOfAll(
  { root, stateDir, graph, records }: Now,
  before: Before,
  env: CommandContext['env'],
): Promise<Map<LayerId, Known>> {
  const digester = createDigester({ root, stateDir });
  const places = { root, digester, env };
  const reads = new Map<LayerId, Known>();
  for (const [id, layer] of graph.layers) {
    const stored = records.read(id);
    const names = await namesOf(layer, places);
    const then = before.kind === 'tree' && before.isWhole ? await namesThen(layer, before.tree, env) : [];
    const { inputSet, recipe } = stored.kind === 'record' ? stored.record : {};
    const known = {
      mayRead: [...names, ...then],
      ...(inputSet && { inputSet }),
      ...(recipe && { files: recipe.files }),
    };
    const isOfNow =
      layer.options.layer_type !== 'ansible' ||
      (inputSet !== undefined && recipe !== undefined && (await isAsThen(layer, inputSet, recipe.files, places)));
    reads.set(id, { reads: readsOf(layer, root, known), isOfNow });
  }
  await digester.save();
  return reads;
}

/** Whether a run on these files would read what the recorded one did: each step to a file is by one that is as it was. */
async function isAsThen(
  layer: Layer,
  set: InputSet,
  files: Recipe['files'],
  places: Parameters<typeof digestInputSet>[2],
): Promise<boolean> {
  const now = await digestInputSet(layer, set, places);
  return Object.entries(now.files).every(([name, value]) => files[name] === value);
}

/** Adds what the sets say to `reads`; gives the layers of which none is known, each with that as its reason. */
function answerOpen(
  { graph, root }: Now,
  reads: Map<LayerId, Known>,
  sets: Awaited<ReturnType<SetsOf>>,
  open: readonly LayerId[],
): Map<LayerId, string> {
  const unknown = new Map<LayerId, string>();
  for (const id of open) {
    const inputSet = sets.get(id);
    if (inputSet === undefined) unknown.set(id, 'no image of it as it is now is known, nor what its playbooks read');
    else {
      const { names, listed = [] } = reads.get(id)?.reads ?? { names: [] };
      const more = readsOf(graph.layers.get(id) as Layer, root, { mayRead: [], inputSet });
      const both = { names: [...names, ...more.names], listed: [...listed, ...(more.listed ?? [])] };
      reads.set(id, { reads: both, isOfNow: true });
    }
  }
  return unknown;
}

async function namesThen(
  layer: Layer,
  { tree, graph, stateDir }: BaseTree,
  env: CommandContext['env'],
): Promise<readonly string[]> {
  const old = graph.layers.get(layer.id);
  if (old === undefined) return [];
  return namesOf(old, { root: tree.root, digester: createDigester({ root: tree.root, stateDir }), env });
}

/** A playbook that is missing is for the plan to tell: what else is known of the layer counts. */
async function namesOf(layer: Layer, places: Parameters<typeof mayRead>[1]): Promise<readonly string[]> {
  try {
    return (await mayRead(layer, places)).names;
  } catch (error) {
    if (error instanceof InvalidInput) return [];
    throw error;
  }
}

function textOf(root: string, file: string): string | undefined {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return undefined;
  }
}
