import { parseArguments } from './commands/arguments.ts';
import type { CommandContext } from './commands/command.ts';
import { commandHelp, programHelp } from './commands/help.ts';
import { InvalidInput } from './config/diagnostic.ts';

const VERSION = '0.1.0';

/** Exit code of an interrupted run, as a shell would report it. */
const SIGNAL_EXIT = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129, SIGPIPE: 141 } as const;

/** The composition root: argv, signals, exit code. Everything else is the rooms'. */
export async function main(program: 'layers' | 'image-build'): Promise<void> {
  const interruption = listen();
  let code: number;
  try {
    code = exitCode(await dispatch(program, process.argv.slice(2), interruption), interruption);
  } catch (error) {
    code = interruption.signal.aborted ? exitCode(1, interruption) : await complain(error, program);
  } finally {
    interruption.stop();
  }
  // Not process.exit: what was printed must reach a pipe first.
  process.exitCode = code;
}

async function dispatch(program: string, argv: readonly string[], signals: Interruption): Promise<number> {
  if (argv[0] === '--version') {
    process.stdout.write(`${program} ${VERSION}\n`);
    return 0;
  }
  const common = {
    argv,
    cwd: process.cwd(),
    env: process.env,
    print: (text: string) => void process.stdout.write(`${text}\n`),
    warn: (text: string) => void process.stderr.write(`${text}\n`),
    stdout: process.stdout,
    stderr: process.stderr,
    signal: signals.signal,
    forced: signals.forced,
  };
  if (program === 'image-build') {
    const { run } = await import('./commands/image-build.ts');
    return run({ ...common, options: {}, values: {}, positionals: [] });
  }
  const parsed = parseArguments(argv);
  if (parsed === undefined) {
    process.stdout.write(programHelp());
    return 0;
  }
  if (parsed.values.help === true) {
    process.stdout.write(commandHelp(parsed.entry));
    return 0;
  }
  const { run } = await parsed.entry.load();
  const { root, state } = parsed.values as { root?: string; state?: string };
  const context: CommandContext = {
    ...common,
    options: { ...(root === undefined ? {} : { root }), ...(state === undefined ? {} : { state }) },
    values: parsed.values,
    positionals: parsed.positionals,
  };
  return run(context);
}

function exitCode(code: number, { signal }: Interruption): number {
  return signal.aborted ? (SIGNAL_EXIT[signal.reason as keyof typeof SIGNAL_EXIT] ?? 1) : code;
}

/** Prints what went wrong; gives 2 for bad input, 1 for anything else. */
async function complain(error: unknown, program: string): Promise<number> {
  if (error instanceof InvalidInput) {
    const { formatDiagnostics } = await import('./report/diagnostics.ts');
    const { readSources } = await import('./commands/read-sources.ts');
    if (error.diagnostics.length > 0) {
      const sources = readSources(error.diagnostics, error.root ?? process.cwd());
      process.stderr.write(
        `${formatDiagnostics(error.diagnostics, { sources, colour: process.stderr.isTTY === true })}\n`,
      );
    }
    process.stderr.write(`${program}: ${error.message}\n`);
    if (error.hint !== undefined) process.stderr.write(`  ${error.hint}\n`);
    return 2;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${program}: this should not have happened; please report it\n${text}\n`);
  return 1;
}

interface Interruption {
  readonly signal: AbortSignal;
  readonly forced: AbortSignal;
  stop(): void;
}

/** The first signal asks for an orderly end, the second gives up cleaning, the third ends the process at once. */
function listen(): Interruption {
  const first = new AbortController();
  const second = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (!first.signal.aborted) first.abort(name);
    else if (!second.signal.aborted) second.abort(name);
    else process.exit(SIGNAL_EXIT[name as keyof typeof SIGNAL_EXIT]);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // A lost ssh session must not leave half a build behind.
  process.on('SIGHUP', onSignal);
  endWithOutput(first);
  return {
    signal: first.signal,
    forced: second.signal,
    stop: () => void process.off('SIGINT', onSignal).off('SIGTERM', onSignal).off('SIGHUP', onSignal),
  };
}

/** Whoever read has gone, as `head` does (Node ignores the signal itself), or a disk is full: the run ends in order. */
function endWithOutput(run: AbortController): void {
  let isTold = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (isTold) return;
      isTold = true;
      const reason = code === 'EPIPE' ? 'SIGPIPE' : 'an output that cannot be written';
      // It is told late, perhaps when all is done.
      process.on('exit', () => {
        process.exitCode = reason === 'SIGPIPE' ? SIGNAL_EXIT.SIGPIPE : 1;
      });
      if (reason !== 'SIGPIPE' && stream === process.stdout)
        process.stderr.write(`standard output cannot be written: ${message}\n`);
      if (!run.signal.aborted) run.abort(reason);
    });
  }
}
