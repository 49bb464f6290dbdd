import { BuildFailure } from '../build/builder.ts';
import { CommandFailure } from '../system/command.ts';
import { diskHint } from './disk-failure.ts';
import type { Failure } from './events.ts';

/** Every error that ends a layer, in one shape. `during`: what was being done. */
export function failureOf(error: unknown, during: 'build' | 'publish' | 'lock'): Failure {
  if (error instanceof CommandFailure) {
    const code = error.reason === 'cancelled' ? 'cancelled' : 'command';
    return { code, message: error.message, command: error.result.argv, tail: error.result.tail, ...hintFor(error) };
  }
  if (isCancelled(error)) return { code: 'cancelled', message: 'interrupted' };
  const message = error instanceof Error ? error.message : String(error);
  const hint = ownHint(error);
  if (error instanceof BuildFailure && error.cause instanceof CommandFailure) {
    const { argv, tail } = error.cause.result;
    return { code: during, message, command: argv, tail, ...hint };
  }
  // An error nobody made on purpose is ours: its stack helps whoever mends it.
  const isOurs = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  if (isOurs) return { code: 'internal', message, tail: (error.stack ?? '').split('\n').slice(0, 8) };
  return { code: during, message, ...hint };
}

function ownHint(error: unknown): { hint?: string } {
  const hint = error instanceof Error && 'hint' in error ? error.hint : undefined;
  const known = typeof hint === 'string' ? hint : diskHint(error);
  return known === undefined ? {} : { hint: known };
}

function isCancelled(error: unknown): boolean {
  if (error instanceof CommandFailure) return error.reason === 'cancelled';
  return error instanceof Error && error.name === 'AbortError';
}

/** buildah's words where an image has a user or group that the user's namespace has not: often gid 65534, nogroup. */
const NARROW_IDS = /(insufficient UIDs or GIDs|Check \/etc\/subuid and \/etc\/subgid)/i;

function hintFor(error: CommandFailure): { hint?: string } {
  if (error.reason === 'not-found') return { hint: `'layers doctor' tells which package has ${error.result.argv[0]}` };
  const text = error.result.tail.join('\n');
  const disk = diskHint(error);
  if (disk !== undefined) return { hint: disk };
  if (NARROW_IDS.test(text)) {
    return {
      hint: "the image has owners outside of this user's ranges in /etc/subuid and /etc/subgid: 65536 ids reach up to nogroup, 65534; 'layers doctor' shows both and how to widen them, then 'buildah unshare true' once more",
    };
  }
  return {};
}
