import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** A whole process to time: it must end with `code` (default 0), or the figure is not what it claims to be. */
export interface Measured {
  readonly name: string;
  readonly argv: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly code?: number;
  /** Before each time, and not timed. */
  before?(): void;
}

export interface Figure {
  readonly name: string;
  /** Median, in milliseconds. */
  readonly ms: number;
  readonly fastest: number;
  /** Of the medians, to that of the first command. */
  readonly ratio: number;
  /** Most memory it had at a time, where that was measured. */
  readonly megabytes?: number;
}

/**
 * Medians of `runs` rounds. In each round every command runs once, so that a machine that gets slower meanwhile is slower for
 * all. One round before that fills caches and is not counted.
 */
export function measure(commands: readonly Measured[], runs: number): Figure[] {
  const times = commands.map(() => [] as number[]);
  for (let round = -1; round < runs; round += 1) {
    for (const [index, command] of commands.entries()) {
      const ms = time(command);
      if (round >= 0) times[index]?.push(ms);
    }
  }
  const medians = times.map(median);
  return commands.map(({ name }, index) => {
    const ms = medians[index] ?? Number.NaN;
    return { name, ms, fastest: Math.min(...(times[index] ?? [])), ratio: ms / (medians[0] ?? Number.NaN) };
  });
}

/** Most resident memory of a command and its children, in MB; undefined without python3, which can ask for that. */
export function mostMemory({ argv, cwd, env, before }: Measured): number | undefined {
  before?.();
  // Python adds to its own environment, which would make the command another one.
  const all = { ...plainEnvironment(), ...env };
  const args = ['-c', MOST_MEMORY, JSON.stringify(all), ...argv];
  const { status, stdout } = spawnSync('python3', args, { cwd, env: all, encoding: 'utf8' });
  return status === 0 ? (Number(stdout) * 1024) / 1e6 : undefined;
}

const MOST_MEMORY = `
import json, resource, subprocess, sys
subprocess.run(sys.argv[2:], env=json.loads(sys.argv[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
`;

/** As a user's shell would start it: without what npm and pnpm add, and not in CI, where more is verified. */
export function plainEnvironment(): Record<string, string> {
  const isAdded = /^(CI|GITHUB_ACTIONS|GITLAB_CI|NODE_PATH|NODE_OPTIONS|npm_.*|LAYERS_.*)$/;
  const kept = Object.entries(process.env).filter(([name]) => !isAdded.test(name));
  return Object.fromEntries(kept) as Record<string, string>;
}

function time({ name, argv, cwd, env, code = 0, before }: Measured): number {
  before?.();
  const [file = '', ...args] = argv;
  const nothing = openSync('/dev/null', 'r+');
  const started = performance.now();
  const { status, stderr, error } = spawnSync(file, args, {
    cwd,
    env: { ...plainEnvironment(), ...env },
    stdio: [nothing, nothing, 'pipe'],
  });
  const ms = performance.now() - started;
  closeSync(nothing);
  if (status !== code)
    throw new Error(`${name} ended with ${status ?? error?.message}: ${String(stderr).slice(-2000)}`);
  return ms;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
