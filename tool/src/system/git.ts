import { realpathSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { CommandFailure, type CommandOptions, type Exec } from './command.ts';

/** A git work tree that holds the tree of layers. */
export interface Git {
  /** Absolute and real: the top of the work tree, of the submodule's where the tree lies in one. */
  readonly top: string;
  /** The tree's root relative to `top`; empty when they are one. */
  readonly prefix: string;
  /** Whether the clone holds only the newest commits. */
  isShallow(): Promise<boolean>;
  /** Standard output. Throws CommandFailure. */
  run(args: readonly string[], options?: CommandOptions): Promise<string>;
  /** The full name of a commit; undefined where there is none of that name. */
  commit(ref: string): Promise<string | undefined>;
}

/** What git cannot tell, in words for users. */
export class GitProblem extends Error {
  override readonly name = 'GitProblem';
  readonly hint: string | undefined;
  constructor(message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
  }
}

/**
 * Opens the repository whose work tree `root` lies in, also where it belongs to another user (a CI runner's checkout). Nothing that the
 * repository's configuration names is run. Throws GitProblem where there is no repository or no git.
 */
export async function openGit(exec: Exec, root: string): Promise<Git> {
  const real = realpathSync(root);
  const top = topOf(real);
  if (top === undefined) {
    const hint = 'git is needed to tell what changed; name layers instead';
    throw new GitProblem(`${root} lies in no git repository`, { hint });
  }
  const base = [
    '-C',
    top,
    '-c',
    `safe.directory=${top}`,
    '-c',
    'core.fsmonitor=false',
    '-c',
    'core.hooksPath=/dev/null',
  ];
  const run: Git['run'] = async (args, options = {}) => {
    const env = { GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', GIT_NO_LAZY_FETCH: '1', ...options.env };
    try {
      return (await exec('git', [...base, ...args], { quiet: true, ...options, env })).stdout;
    } catch (error) {
      if (!(error instanceof CommandFailure) || error.reason !== 'not-found') throw error;
      throw new GitProblem('there is no git on this machine', { hint: 'install git', cause: error });
    }
  };
  return {
    top,
    prefix: relative(top, real),
    run,
    isShallow: async () => (await run(['rev-parse', '--is-shallow-repository'])).trim() === 'true',
    async commit(ref) {
      // What begins with a dash would be an option.
      if (ref === '' || ref.startsWith('-')) return undefined;
      const text = await run(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`], { accept: [0, 1, 128] });
      return /^[0-9a-f]{40,64}$/.test(text.trim()) ? text.trim() : undefined;
    },
  };
}

function topOf(folder: string): string | undefined {
  for (let here = folder; ; here = dirname(here)) {
    if (statSync(join(here, '.git'), { throwIfNoEntry: false }) !== undefined) return here;
    if (here === dirname(here)) return undefined;
  }
}
