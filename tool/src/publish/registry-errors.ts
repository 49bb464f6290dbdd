import { CommandFailure } from '../system/command.ts';
import { hintFor, lastLine } from '../system/registry/program-errors.ts';
import { RegistryError } from '../system/registry/registry-error.ts';
import { PublishFailure } from './publisher.ts';

/** The same failure in words, with what to do about it; anything that is not known stays as it is. */
export function explainRegistry(error: unknown, repository: string): unknown {
  if (error instanceof RegistryError) {
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    return new PublishFailure(`${repository}: ${error.message}`, { ...hint, cause: error });
  }
  if (!(error instanceof CommandFailure) || error.reason !== 'exit') return error;
  const hint = hintFor(error);
  if (hint === undefined) return error;
  return new PublishFailure(`${repository}: ${lastLine(error)}`, { hint, cause: error });
}
