import type { Diagnostic } from './diagnostic.ts';
import type { Layer } from './layer.ts';

/**
 * What of a layer this version reads but cannot build yet, as errors. To be asked for the layers that were selected; `validate`
 * shows the same as warnings.
 */
export function notBuiltYet(layer: Layer): Diagnostic[] {
  const { options } = layer;
  const wanted: string[] = [];
  if (options.architectures.length > 1) wanted.push('more than one of `architectures`');
  return wanted.map((what) => ({
    severity: 'error',
    code: 'not-supported-yet',
    message: `${what} cannot be built by this version yet`,
    file: layer.file,
  }));
}
