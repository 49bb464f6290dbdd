/** What a command gets from `main.ts`: everything of the process it may use. */
export interface CommandContext {
  /** As it was typed, without the program. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Common options. */
  readonly options: { readonly root?: string; readonly state?: string };
  /** The command's own options, by their long names. */
  readonly values: Readonly<Record<string, string | boolean | string[] | undefined>>;
  readonly positionals: readonly string[];
  /** Standard output, for what was asked for. */
  print(text: string): void;
  /** Standard error, for everything else. */
  warn(text: string): void;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Aborted by the first SIGINT or SIGTERM, with its name as reason. */
  readonly signal: AbortSignal;
  /** Aborted by the second. */
  readonly forced: AbortSignal;
}

/** Gives the exit code. Throws InvalidInput for what is wrong before any work. */
export type CommandRun = (context: CommandContext) => Promise<number>;
