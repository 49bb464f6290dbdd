/** A place in a layer file; lines and columns count from 1, as editors do. */
export interface Range {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** One problem of one file. Codes are stable: users may grep for them. */
export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  /** kebab-case, for example `unknown-key`, `duplicate-reference`, `cycle`. */
  readonly code: string;
  readonly message: string;
  /** Path as the user should see it, relative to the root where the file lies below it. */
  readonly file: string;
  readonly range?: Range;
  /** What to do about it. */
  readonly hint?: string;
  /** Other places that take part (the second file of a duplicate, the members of a cycle). */
  readonly related?: readonly { readonly file: string; readonly range?: Range; readonly message: string }[];
}

/** Thrown where bad input ends the work before it began: exit code 2, nothing touched. */
export class InvalidInput extends Error {
  override readonly name = 'InvalidInput';
  readonly diagnostics: readonly Diagnostic[];
  readonly hint?: string;
  /** Where the files of the diagnostics are, for code frames. */
  readonly root?: string;
  constructor(
    message: string,
    options: { diagnostics?: readonly Diagnostic[]; hint?: string; root?: string; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.diagnostics = options.diagnostics ?? [];
    if (options.hint !== undefined) this.hint = options.hint;
    if (options.root !== undefined) this.root = options.root;
  }
}
