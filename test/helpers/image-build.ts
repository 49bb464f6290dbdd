import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const BIN = path.resolve(import.meta.dirname, '../../node_modules/.bin/image-build');

export interface EndedBuild {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What is piped into its standard input. */
  readonly input?: string;
}

/** The real `image-build` from its sources. */
export function startImageBuild(
  args: readonly string[],
  { cwd, env, input }: Place,
): { readonly child: ChildProcess; readonly ended: Promise<EndedBuild>; seen(pattern: RegExp): Promise<void> } {
  const all = { ...env, LAYERS_SOURCES: '1', NO_COLOR: '1' };
  // Node's own pipes are sockets, which cannot be opened as /dev/stdin.
  const argv = input === undefined ? [BIN, ...args] : ['/bin/sh', '-c', 'cat | "$@"', 'sh', BIN, ...args];
  const [file = BIN, ...rest] = argv;
  const child = spawn(file, rest, { cwd, env: all as NodeJS.ProcessEnv, stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.on('error', () => undefined).end(input);
  let stdout = '';
  let stderr = '';
  const waiting = new Set<() => void>();
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    for (const look of waiting) look();
  });
  const ended = new Promise<EndedBuild>((resolve) => {
    child.on('close', (code) => {
      for (const look of waiting) look();
      resolve({ code, stdout, stderr: stripVTControlCharacters(stderr) });
    });
  });
  return {
    child,
    ended,
    seen: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (pattern.test(stderr)) resolve();
          else if (child.exitCode !== null) reject(new Error(`ended before ${pattern}:\n${stderr}`));
        };
        waiting.add(look);
        look();
      }),
  };
}

export function imageBuild(args: readonly string[], place: Place): Promise<EndedBuild> {
  return startImageBuild(args, place).ended;
}
