import { InvalidInput } from '../config/diagnostic.ts';
import type { LayerRecord } from '../recipe/record.ts';
import type { LogLevel } from '../report/log-level.ts';
import { builderHere } from './builders-here.ts';
import { refuseElsewhere } from './choose-layers.ts';
import type { CommandContext, CommandRun } from './command.ts';
import { enterUserNamespace } from './enter-user-namespace.ts';
import { imageBuildHelp, parseImageBuild } from './image-build-arguments.ts';
import { readLoneLayer } from './image-build-layer.ts';
import { openLoneState } from './image-build-state.ts';
import { tidyUp, watchStorage } from './image-build-storage.ts';
import { prepareLoaded } from './prepare.ts';
import { printDiagnostics } from './print-diagnostics.ts';
import { startRun } from './start-run.ts';
import { tellFailure } from './tell-failure.ts';

/**
 * `image-build --config FILE`: one layer file, built and published every time, with nothing remembered of other times. Progress goes to
 * standard error.
 */
export const run: CommandRun = (context) => buildAlone(context).catch((error: unknown) => tellFailure(error, context));

async function buildAlone(context: CommandContext): Promise<number> {
  const given = parseImageBuild(context.argv);
  if (given.isHelp || given.config === undefined) {
    context.print(imageBuildHelp().trimEnd());
    return 0;
  }
  // Before anything is read or said: the same command line begins again inside.
  enterUserNamespace(context);
  const { layer, root, graph, diagnostics } = await readLoneLayer(given.config, given.flags, context);
  const level = levelOf(layer.options.log_level);
  const own: CommandContext = {
    ...context,
    stdout: context.stderr,
    // With no records there is nothing to verify, and nothing that would be believed.
    values: { force: true, cache: 'off', jobs: '1', verify: true, emulate: true, 'log-level': level },
    warn: (text) => {
      if (level !== 'error') context.warn(text);
    },
  };
  printDiagnostics(own, diagnostics, root);
  refuseElsewhere(graph, builderHere(graph, context.env, true));
  for (const flag of given.ignored) own.warn(`warning: ${flag} has no effect`);
  const state = await openLoneState(given.config, context);
  for (const line of await state.sweep()) own.warn(line);
  const records = rememberNothing();
  const prepared = await prepareLoaded(own, [], {
    tree: { root, settings: state.settings, layers: [layer] },
    graph,
    places: new Map(),
    diagnostics: [],
    stateDir: state.folder,
    records,
    lock: { read: async () => new Map(), write: async () => {} },
  });
  const storage = await watchStorage(own, prepared);
  const summary = await startRun(own, prepared, { checkpoints: false });
  const failed = summary.layers.some((one) => one.outcome !== 'built');
  const built = [...graph.layers.values()].map((one) => ({ layer: one, record: records.written.get(one.id) }));
  for (const line of await tidyUp(storage, built, { failed, isAlone: state.isAlone })) own.warn(line);
  return failed ? 1 : 0;
}

/** Python's names, and ours. */
function levelOf(name: string | undefined): LogLevel {
  const level = (name ?? 'WARNING').trim().toUpperCase();
  if (level === 'DEBUG' || level === 'NOTSET') return 'debug';
  if (level === 'INFO') return 'info';
  if (level === 'WARN' || level === 'WARNING') return 'warning';
  if (level === 'ERROR' || level === 'CRITICAL' || level === 'FATAL') return 'error';
  throw new InvalidInput(`there is no log level '${name}'`, { hint: 'it takes DEBUG, INFO, WARNING or ERROR' });
}

/** The records of this run's builds alone. */
function rememberNothing() {
  const written = new Map<string, LayerRecord>();
  return {
    written,
    read: () => ({ kind: 'none' }) as const,
    async write(record: LayerRecord) {
      written.set(record.id, record);
    },
  };
}
