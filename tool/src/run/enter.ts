import { shellOf } from '../build/cmds.ts';
import { InvalidInput } from '../config/diagnostic.ts';
import type { LayerId } from '../config/layer.ts';
import { resolveInRoot } from '../system/in-root.ts';
import { isOwn, OF_SHELL } from '../system/own-words.ts';
import { relayed, SHELL } from '../system/relay.ts';
import { isInteractive, runInTerminal, type Streams } from '../system/terminal.ts';
import type { Workspace } from '../system/workspace.ts';

/** Who enters, and with what. */
export interface Entering {
  readonly id: LayerId;
  /** Undefined: a shell. */
  readonly argv: readonly string[] | undefined;
  readonly streams: Streams;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** As `buildah run` takes them. */
  readonly volumes: readonly string[];
}

/** Variables of the user's terminal that a program inside draws by; image and build know nothing of them. */
const OF_THE_TERMINAL = ['TERM', 'COLORTERM'] as const;

const NOT_STARTED = new RegExp(
  `^process failed to start with error: |executable file .* not found|^${SHELL}: .*(not found|[Pp]ermission denied|[Nn]o such file|cannot execute)`,
);
/** Exit codes of a shell whose command is not there, or is no program. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/**
 * Runs a command, or the best shell that is there, inside a container that stands, with the user's terminal. Gives its exit code.
 * Throws InvalidInput where there is no such program.
 */
export async function enterContainer(
  container: string,
  { id, argv, streams, env, signal, volumes }: Entering,
  { buildah, runId, temporary }: Pick<Workspace, 'buildah' | 'runId' | 'temporary'>,
): Promise<number> {
  const mountPoint = await buildah.mount(container);
  const words = argv ?? [await shellIn(mountPoint, id)];
  const isRelayed = buildah.isolation === 'chroot' && (await hasProgram(mountPoint, '/bin/sh'));
  const relay = isRelayed ? relayed(words) : undefined;
  const isTerminal = isInteractive(streams);
  const shown = OF_THE_TERMINAL.flatMap((name) => (env[name] === undefined ? [] : ['--env', `${name}=${env[name]}`]));
  const mark = `LAYERS_RUN_ID=${runId}`;
  const args = [
    ...buildah.globalArgs,
    ...['run', '--isolation', buildah.isolation, `--terminal=${isTerminal}`],
    ...(buildah.isolation === 'chroot' ? [] : ['--network', 'host']),
    ...(isTerminal ? shown : []),
    ...volumes.flatMap((volume) => ['--volume', volume]),
    // What is left running in there is found by it: with the container's mounts its root goes.
    ...['--env', mark],
    ...['--', container, ...(relay?.argv ?? words)],
  ];
  const settings = {
    ...streams,
    env: { ...env, TMPDIR: temporary, LAYERS_RUN_ID: runId },
    end: relay?.mark,
    mark,
    signal,
  };
  const { code, own } = await runInTerminal(args, settings);
  const maySoEnd = relay === undefined || code === NOT_FOUND || code === NOT_EXECUTABLE;
  if (maySoEnd && own.some((line) => NOT_STARTED.test(line))) {
    streams.stderr.write(`${words[0]} is not there, or is no program, inside ${id}\n`);
    return NOT_FOUND;
  }
  for (const line of own.filter((text) => isOwn(text, OF_SHELL))) streams.stderr.write(`${line}\n`, 'latin1');
  return code;
}

async function hasProgram(mountPoint: string, name: string): Promise<boolean> {
  return (await resolveInRoot(mountPoint, name)) !== undefined;
}

async function shellIn(mountPoint: string, id: LayerId): Promise<string> {
  const shell = await shellOf(mountPoint);
  if (await hasProgram(mountPoint, shell)) return shell;
  throw new InvalidInput(`there is no shell inside ${id}`, {
    hint: `'layers run ${id} -- PROGRAM' runs what there is`,
  });
}
