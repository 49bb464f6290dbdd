import { readFileSync } from 'node:fs';
import { arch, availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { notBuiltYet } from '../config/not-built-yet.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { select } from '../graph/select.ts';
import { createDigester } from '../inputs/digest-file.ts';
import { type LayerInputs, layerInputs } from '../inputs/layer-inputs.ts';
import type { Wish } from '../plan/facts.ts';
import { makePlan, type Plan } from '../plan/plan.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { openRecords, type RecordStore } from '../records/record-store.ts';
import { gatherFacts, type MutableFacts } from '../run/gather-facts.ts';
import type { CommandContext } from './command.ts';
import { lookAtLeftOutParents } from './left-out-parents.ts';
import { loadTree } from './load-tree.ts';
import { verifyPublication } from './verify-publication.ts';

/** A tree, what is known of it, and the plan that follows. */
export interface Prepared {
  readonly root: string;
  readonly stateDir: string;
  readonly graph: LayerGraph;
  readonly wish: Wish;
  readonly facts: MutableFacts;
  readonly plan: Plan;
  readonly records: RecordStore;
  readonly jobs: number;
  /** Destinations were asked, not believed. */
  readonly verified: boolean;
  readonly warnings: readonly { readonly id: LayerId | null; readonly message: string }[];
  readInputs(layer: Layer): Promise<LayerInputs>;
  stageCopies(layer: Layer, folder: string): Promise<ReadonlyMap<string, string>>;
}

/**
 * Everything up to the plan: reads the tree, selects, gathers facts, plans, asks what the plan asked, plans again. Throws InvalidInput
 * before any of that has touched the machine.
 */
export async function prepare(context: CommandContext, selectors: readonly string[]): Promise<Prepared> {
  const { values } = context;
  const { tree, graph, diagnostics, stateDir } = await loadTree({ ...context.options, cwd: context.cwd });
  if (diagnostics.length > 0) {
    const { printDiagnostics } = await import('./print-diagnostics.ts');
    printDiagnostics(context, diagnostics);
  }
  const only = values.only === true;
  const exclude = (values.exclude ?? []) as string[];
  const { named, needed } = select(graph, {
    selectors,
    exclude,
    only,
    all: values.all === true,
    prefix: relative(tree.root, context.cwd),
  });
  const wish: Wish = { named, needed, force: values.force === true, publish: values['no-publish'] !== true };
  refuseUnsupported(graph, needed);
  const jobs = readJobs(values.jobs, tree.settings.jobs);
  const asked = values.verify === true || (context.env.CI ?? '') !== '';
  const digester = createDigester({ root: tree.root, stateDir });
  const records = openRecords(stateDir);
  const warnings: { id: LayerId | null; message: string }[] = [];
  const warn = (id: LayerId | null, message: string) => void warnings.push({ id, message });
  let couldAsk = true;
  const unasked = (id: LayerId, message: string) => {
    couldAsk = false;
    warn(id, message);
  };
  const readInputs = (layer: Layer) => layerInputs(layer, { root: tree.root, digester, env: context.env });
  const stageCopies = async (layer: Layer, folder: string) => {
    const { stageCopies: stage } = await import('../inputs/stage-copies.ts');
    return stage(layer, { root: tree.root, digester }, folder);
  };
  const verify = (layer: Layer, record: LayerRecord, key: string) =>
    verifyPublication({ context, root: tree.root, asked: asked && wish.publish, warn: unasked }, layer, record, key);
  const facts = await gatherFacts({
    graph,
    needed,
    records,
    readInputs,
    verify,
    warn,
    architecture: architecture(),
    ...hostSuite(),
  });
  for (const [id, message] of await lookAtLeftOutParents({ graph, facts, wish, readInputs })) warn(id, message);
  let plan = makePlan(graph, facts, wish);
  if (plan.questions.length > 0) {
    const { answerQuestions } = await import('../run/externals.ts');
    const { openAsking } = await import('./asking.ts');
    const asking = openAsking(context, tree.root);
    const answers = await answerQuestions(plan.questions, { graph, ...asking }, (message) => warn(null, message));
    for (const [reference, digest] of answers) facts.externals.set(reference, digest);
    plan = makePlan(graph, facts, wish);
  }
  await digester.save();
  return {
    root: tree.root,
    stateDir,
    graph,
    wish,
    facts,
    plan,
    records,
    jobs,
    verified: asked && couldAsk,
    warnings,
    readInputs,
    stageCopies,
  };
}

function refuseUnsupported(graph: LayerGraph, needed: ReadonlySet<LayerId>): void {
  const diagnostics = [...needed].flatMap((id) => notBuiltYet(graph.layers.get(id) as Layer, architecture()));
  if (diagnostics.length === 0) return;
  throw new InvalidInput('this version cannot build all that was selected', {
    diagnostics,
    hint: '--exclude leaves layers out',
  });
}

function readJobs(flag: unknown, setting: number | undefined): number {
  if (flag === undefined) return setting ?? Math.max(2, availableParallelism());
  const jobs = Number(flag);
  if (!Number.isInteger(jobs) || jobs < 1) throw new InvalidInput(`-j ${String(flag)}: it takes a whole number from 1`);
  return jobs;
}

/** As OCI names it. */
function architecture(): string {
  return ({ x64: 'amd64', ia32: '386' } as Record<string, string>)[arch()] ?? arch();
}

/** Debian's name for the release of this machine; nothing on other systems. */
function hostSuite(): { hostSuite?: string } {
  try {
    const suite = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
    return suite === undefined ? {} : { hostSuite: suite };
  } catch {
    return {};
  }
}
