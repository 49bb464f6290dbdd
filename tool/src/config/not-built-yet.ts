import type { Diagnostic } from './diagnostic.ts';
import type { Layer } from './layer.ts';

/**
 * What of a layer this version reads but cannot build yet, as errors. To be asked for the layers that were selected; `validate`
 * shows the same as warnings.
 */
export function notBuiltYet(layer: Layer): Diagnostic[] {
  const { options } = layer;
  const wanted: string[] = [];
  if (options.layer_type === 'base') {
    if (options.pkg_manager === 'zypper') wanted.push('`pkg_manager: zypper`');
    if (Object.values(layer.modules).some((specs) => specs !== undefined && specs.length > 0)) wanted.push('`modules`');
    if (layer.exclusive_repos.length > 0) wanted.push('`exclusive_repos`');
    for (const key of ['install_scap', 'scap_benchmark', 'oval_eval'] as const)
      if (options[key]) wanted.push(`\`${key}\``);
    if (layer.openscap.length > 0) wanted.push('`openscap`');
  }
  if (options.architectures.length > 1) wanted.push('more than one of `architectures`');
  return wanted.map((what) => ({
    severity: 'error',
    code: 'not-supported-yet',
    message: `${what} cannot be built by this version yet`,
    file: layer.file,
  }));
}
