import { tmpdir } from 'node:os';
import { InvalidInput } from '../config/diagnostic.ts';
import type { LayerId } from '../config/layer.ts';
import { externalKey } from '../graph/external-image.ts';
import { externalsOf } from '../graph/layer-graph.ts';
import type { ProbeKey } from '../recipe/input-set.ts';
import { probeKeyOf } from '../recipe/recipe.ts';
import { MemoryUnreachable } from '../records/memory.ts';
import type { NeededBuilds } from '../run/prune-place.ts';
import { CommandFailure } from '../system/command.ts';
import { type Git, GitProblem, openGit } from '../system/git.ts';
import { openAsking } from './asking.ts';
import { openBaseTree } from './base-tree.ts';
import type { CommandContext } from './command.ts';
import type { Prepared } from './prepare.ts';
import { prepareLoaded, type Remembering } from './prepare.ts';
import { UnplannedLayers } from './unplanned-layers.ts';

/** Branches that are looked at, the latest first; of older ones the last builds of their layers stay. */
const MOST_BRANCHES = 50;

/**
 * What the tree and every branch of its repository would take from a memory now, as their plans find it: the files of a branch are written to
 * a temporary folder and planned there, with the records of now; so are layers that other machines build. A branch whose layer files cannot
 * be read is said, and layers that name files which are not there; where the shared memory is asked, which knows no last builds, they are
 * refused.
 * @param cache who is asked: only local storage, or the shared memory, too, which has to answer: what it does not tell would be deleted
 * @throws InvalidInput where the tree itself has problems, or refused
 * @throws MemoryUnreachable
 */
export async function neededBuilds(
  context: CommandContext,
  loaded: Remembering,
  cache: 'local' | 'read',
): Promise<NeededBuilds> {
  // Aborted when one question has failed for good: each of the others would be tried as long, and nobody waits for them.
  const giveUp = new AbortController();
  // What is published, verified and selected is of no interest here.
  const quiet: CommandContext = {
    ...context,
    values: { 'no-publish': true, cache },
    env: { ...context.env, CI: undefined },
    warn: () => {},
    signal: AbortSignal.any([context.signal, giveUp.signal]),
  };
  const insist = cache === 'read' ? { insist: context.warn } : {};
  const layers = new Set<LayerId>();
  const keys = new Map<string, string>();
  const probes = new Set<string>();
  const unplanned = new UnplannedLayers();
  /** Why images from elsewhere were not to be had. */
  const reasons = new Set<string>();
  // Once for all branches: one that does not answer is waited for.
  const digests = new Map();
  const add = async (one: Remembering, who: string): Promise<void> => {
    for (const id of one.graph.layers.keys()) layers.add(id);
    const prepared = await unplanned.planOthers(one.graph, who, (ids) =>
      prepareLoaded(quiet, ids, one, { anywhere: true, digests, ...insist }).catch((error: unknown) => {
        if (error instanceof MemoryUnreachable) giveUp.abort();
        throw error;
      }),
    );
    if (prepared === undefined) return;
    const { plan, facts, warnings } = prepared;
    for (const { id, message } of warnings) if (id === null) reasons.add(message);
    for (const { id, recipeKey } of plan.decisions.values()) {
      const missing = externalsOf(one.graph, id)
        .map(externalKey)
        .filter((key) => facts.unanswered.has(key));
      if (recipeKey === undefined) for (const key of missing) unplanned.lacksImage(one.graph, id, key, who);
    }
    for (const key of wantedKeys(plan, facts)) if (!keys.has(key)) keys.set(key, who);
    for (const probe of wantedProbes(plan, facts)) probes.add(probe);
  };
  await add(loaded, 'the tree');
  const git = await repositoryOf(context, loaded.tree.root);
  for (const { name, commit } of git === undefined ? [] : await branchesOf(git)) {
    context.signal.throwIfAborted();
    try {
      using base = await openBaseTree(git as Git, commit, { temporary: tmpdir(), env: context.env });
      await add({ ...base, records: loaded.records, lock: loaded.lock }, `branch ${name}`);
    } catch (error) {
      if (!(error instanceof InvalidInput) && !(error instanceof CommandFailure)) throw error;
      context.signal.throwIfAborted();
      unplanned.lacksAll(`branch ${name}`, textOf(error));
    }
  }
  const refusal = cache === 'read' ? unplanned.refusal() : undefined;
  if (refusal !== undefined) {
    for (const line of reasons) context.warn(line);
    throw refusal;
  }
  for (const line of unplanned.lines()) context.warn(line);
  return { layers, keys, probes };
}

function textOf(error: InvalidInput | CommandFailure): string {
  const diagnostics = error instanceof InvalidInput ? error.diagnostics : [];
  return [error.message, ...diagnostics.map(({ file, message }) => `${file}: ${message}`)].join('; ');
}

/** Of every layer: its key as it is now, and that of what is recorded where that is in line. */
function* wantedKeys({ decisions }: Prepared['plan'], { records }: Prepared['facts']): Iterable<string> {
  for (const { id, action, recipeKey, adopted } of decisions.values()) {
    if (recipeKey !== undefined) yield recipeKey;
    if (adopted !== undefined) yield adopted.recipeKey;
    const recorded = records.get(id);
    if (recorded !== undefined && (action === 'nothing' || action === 'publish')) yield recorded.recipeKey;
  }
}

/**
 * Where other machines look for the input sets of every Ansible layer, asked there by this plan or not: it does not ask for what it has built
 * itself.
 */
function* wantedProbes({ decisions }: Prepared['plan'], { candidates, inputs }: Prepared['facts']): Iterable<ProbeKey> {
  yield* candidates.keys();
  for (const { id, recipe } of decisions.values()) {
    if (recipe !== undefined) yield probeKeyOf(recipe, inputs.get(id)?.files ?? {});
  }
}

/** Undefined: the tree lies in no repository. */
async function repositoryOf(context: CommandContext, root: string): Promise<Git | undefined> {
  try {
    return await openGit(openAsking(context, root).exec, root);
  } catch (error) {
    if (error instanceof GitProblem) return undefined;
    throw error;
  }
}

/** Local branches and those of remotes, a commit once. That of the work tree, too, whose files count as they are: it may be gone back to. */
async function branchesOf(git: Git): Promise<{ readonly name: string; readonly commit: string }[]> {
  const format = '%(objectname) %(refname:short)';
  const text = await git.run([
    'for-each-ref',
    '--sort=-committerdate',
    `--format=${format}`,
    'refs/heads',
    'refs/remotes',
  ]);
  const byCommit = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [commit = '', name = ''] = line.split(' ');
    if (commit !== '' && !byCommit.has(commit)) byCommit.set(commit, name);
  }
  return [...byCommit].slice(0, MOST_BRANCHES).map(([commit, name]) => ({ name, commit }));
}
