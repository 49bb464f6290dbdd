import { isOutOfSpace } from '../system/command.ts';

const FULL = "a file system is full: 'layers doctor' shows the free space of each that is used";
const READ_ONLY =
  'a file system is read-only: --state DIR and TMPDIR=DIR name other folders for what is kept and what is temporary';

/** What to do where an error, or what it came of, is that of a file system which is full or read-only; undefined for any other. */
export function diskHint(error: unknown): string | undefined {
  if (isOutOfSpace(error)) return FULL;
  if (!(error instanceof Error)) return undefined;
  return 'code' in error && error.code === 'EROFS' ? READ_ONLY : diskHint(error.cause);
}

/** Whether a failure is no doing of what was built: the same may do well as soon as there is room. */
export function isOfDisk({ hint }: { readonly hint?: string }): boolean {
  return hint === FULL || hint === READ_ONLY;
}
