import { accessSync, constants, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import { openFailedBuilds } from '../records/failed-builds.ts';
import type { LogLevel } from '../report/log-level.ts';
import type { PrintingReporter } from '../report/printing-reporter.ts';
import { createReporter, type OutputMode } from '../report/reporter.ts';
import type { Reporter, RunEvent, RunSummary } from '../run/events.ts';
import { dropOldFailed } from '../run/keep-failed.ts';
import { knownIsolation } from '../run/known-isolation.ts';
import type { LayerControl } from '../run/layer-control.ts';
import { run } from '../run/run.ts';
import { sweepDeadRuns } from '../run/sweep-dead-runs.ts';
import { CommandFailure, type Exec, isOutOfSpace } from '../system/command.ts';
import { createExec } from '../system/exec.ts';
import type { CommandContext } from './command.ts';
import { enterUserNamespace } from './enter-user-namespace.ts';
import { holdStorage } from './hold-storage.ts';
import { refuseMissingMounts } from './missing-mounts.ts';
import type { Prepared } from './prepare.ts';

/** Where image roots are committed and squashed: big, so not /tmp, which may be memory. */
const BIG_TEMPORARY = '/var/tmp';

/** What a watch adds to a run. */
interface Watching {
  readonly control: LayerControl;
  /** Sees every event before the reporter does. */
  seen(event: RunEvent): void;
  /** The last line of the live view. */
  footer(): string;
  /** Who holds the terminal now, to be spoken through until the run is over. */
  holds(reporter: PrintingReporter): void;
}

/**
 * Sweeps what dead runs left, then carries out the plan in the user's kind of output. `checkpoints`: whether parts of layers are kept for
 * later builds.
 */
export async function startRun(
  context: CommandContext,
  prepared: Prepared,
  { checkpoints = true, watching }: { readonly checkpoints?: boolean; readonly watching?: Watching } = {},
): Promise<RunSummary> {
  const { plan } = prepared;
  const begun = [...plan.decisions.values()].filter(({ action }) => action === 'build' || action === 'pending');
  await refuseMissingMounts(prepared, context.values['keep-going'] === true);
  enterUserNamespace(context);
  const { env, values, stdout, stderr } = context;
  makeStateFolder(prepared.stateDir);
  const exec = createExec({ env, signal: context.signal });
  const swept = [...(await sweepDeadRuns(prepared.stateDir, exec)), ...(await sweepOldFailed(prepared.stateDir, exec))];
  // Probing runs a container, which a machine that only takes over what others built may not even be able to.
  const isolation =
    begun.length > 0 ? await knownIsolation(prepared.stateDir, exec, env).catch(refuseMissing) : 'chroot';
  const storage = await holdStorage(context, prepared, exec);
  const reporter = createReporter({
    mode: (values.output ?? 'auto') as OutputMode,
    stdout,
    stderr,
    env,
    isTTY: stdout.isTTY === true,
    root: prepared.root,
    level: (values['log-level'] ?? 'info') as LogLevel,
    ...(watching && { footer: watching.footer, stamped: true }),
  });
  watching?.holds(reporter);
  const both: Reporter = {
    event(event) {
      watching?.seen(event);
      reporter.event(event);
    },
    end: () => reporter.end(),
  };
  try {
    return await run({
      ...(storage !== undefined && { graphRoot: storage.graphRoot }),
      lockFds: storage === undefined ? [] : [storage.lock.fd],
      root: prepared.root,
      stateDir: prepared.stateDir,
      temporaryRoot: temporaryRoot(env.TMPDIR),
      environment: env,
      graph: prepared.graph,
      facts: prepared.facts,
      wish: prepared.wish,
      plan: prepared.plan,
      records: prepared.records,
      reader: prepared.reader,
      memoryOf: prepared.memoryOf,
      answer: prepared.answer,
      writeLock: prepared.writeLock,
      isolation,
      jobs: prepared.jobs,
      keepGoing: values['keep-going'] === true,
      keepFailed: values['keep-failed'] === true || watching !== undefined,
      checkpoints,
      whenLocked: values.lock === 'fail' ? 'fail' : 'wait',
      verified: prepared.verified,
      warnings: [
        ...prepared.warnings.map(({ id, message }) => ({ id, message })),
        ...swept.map((message) => ({ id: null, message })),
      ],
      signal: context.signal,
      forced: context.forced,
      reporter: both,
      ...(watching && { control: watching.control }),
    });
  } finally {
    storage?.lock.release();
    await reporter.end();
  }
}

/** After a build that had nothing to do: what killed runs left, and failed builds, go all the same. */
export async function sweepBefore(context: CommandContext, prepared: Prepared): Promise<void> {
  enterUserNamespace(context);
  const exec = createExec({ env: context.env, signal: context.signal });
  const { stateDir } = prepared;
  const swept = [...(await sweepDeadRuns(stateDir, exec)), ...(await sweepOldFailed(stateDir, exec))];
  for (const message of swept) context.warn(message);
}

async function sweepOldFailed(stateDir: string, exec: Exec): Promise<string[]> {
  const place = { failed: openFailedBuilds(stateDir), locks: join(stateDir, 'locks') };
  return dropOldFailed(place, Date.now(), exec);
}

/** A tree that cannot be written to is ordinary in containers: its state goes elsewhere. */
export function makeStateFolder(stateDir: string): void {
  try {
    mkdirSync(stateDir, { recursive: true });
    accessSync(stateDir, constants.W_OK);
  } catch (error) {
    if (isOutOfSpace(error)) throw error;
    throw new InvalidInput(`${stateDir} cannot be written to: ${(error as Error).message}`, {
      hint: '--state DIR keeps records, logs and caches in another folder',
      cause: error,
    });
  }
}

/** Where big temporary files go; `chosen`: TMPDIR. */
export function temporaryRoot(chosen: string | undefined): string {
  if (chosen !== undefined && chosen !== '') return chosen;
  try {
    accessSync(BIG_TEMPORARY, constants.W_OK);
    return BIG_TEMPORARY;
  } catch {
    return tmpdir();
  }
}

/** A program that is not installed is the user's to install, before any work. */
export function refuseMissing(error: unknown): never {
  if (!(error instanceof CommandFailure) || error.reason !== 'not-found') throw error;
  throw new InvalidInput(error.message, { hint: "'layers doctor' says what is missing and how to install it" });
}
