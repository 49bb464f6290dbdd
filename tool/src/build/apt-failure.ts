import { CommandFailure } from '../system/command.ts';
import { BuildFailure } from './builder.ts';

/** What helps against the two failures that come of a repository's entry; any other stays as it is. */
export function aptFailure(cause: unknown): unknown {
  if (!(cause instanceof CommandFailure)) return cause;
  const hint = cause.result.tail.map(hintFor).find((found) => found !== undefined);
  return hint === undefined ? cause : new BuildFailure(cause.message, { hint, cause });
}

function hintFor(line: string): string | undefined {
  if (/NO_PUBKEY|is not signed/.test(line)) {
    return 'give its entry of `repos` a `gpg` key, or say `gpgcheck: false` if nothing is to be checked';
  }
  if (/install arch-test/.test(line)) {
    return 'mmdebstrap needs arch-test for a root of another architecture than that of this machine: apt-get install arch-test';
  }
  if (/401\s+Unauthorized/.test(line)) {
    return 'list the repository with its login under `repos`, in a child of such a layer too: logins of apt are not kept in images';
  }
  return undefined;
}
