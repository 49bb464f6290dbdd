export type InputFailureReason = 'missing' | 'special' | 'unreadable';

/** A file that a layer needs and that cannot be read: `message` names it and says why, `hint` what to do. */
export class InputFailure extends Error {
  override readonly name = 'InputFailure';
  readonly reason: InputFailureReason;
  readonly hint?: string;
  constructor(reason: InputFailureReason, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.reason = reason;
    if (options.hint !== undefined) this.hint = options.hint;
  }
}

/** What `node:fs` threw, in words that name the file. */
export function inputFailureOf(error: unknown, shown: string): InputFailure {
  if (error instanceof InputFailure) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new InputFailure('missing', `${shown} is not there`, { cause: error });
  const why =
    code === 'EACCES' || code === 'EPERM' ? 'may not be read by this user' : `cannot be read (${code ?? error})`;
  return new InputFailure('unreadable', `${shown} ${why}`, { cause: error });
}
