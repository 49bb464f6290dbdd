import type { Diagnostic } from './diagnostic.ts';
import type { Layer } from './layer.ts';

/**
 * What of a layer this version reads but cannot build yet, as errors. To be asked for the layers that were selected; `validate`
 * shows the same as warnings. `host`: the architecture of this machine as OCI names it, where that is known.
 */
export function notBuiltYet(layer: Layer, host?: string): Diagnostic[] {
  const { options } = layer;
  const wanted: string[] = [];
  if (options.layer_type === 'base') {
    const hasModules = Object.values(layer.modules).some((specs) => specs !== undefined && specs.length > 0);
    if (hasModules && options.pkg_manager !== 'dnf') wanted.push(`\`modules\` with ${options.pkg_manager}`);
  }
  if (options.architectures.length > 1) wanted.push('more than one of `architectures`');
  const [only] = options.architectures;
  if (options.architectures.length === 1 && host !== undefined && ociName(only ?? '') !== host) {
    wanted.push(`\`architectures: [${only}]\` on a machine of ${host}`);
  }
  return wanted.map((what) => ({
    severity: 'error',
    code: 'not-supported-yet',
    message: `${what} cannot be built by this version yet`,
    file: layer.file,
  }));
}

/** Distributions' names of what OCI calls otherwise. */
function ociName(architecture: string): string {
  return { x86_64: 'amd64', aarch64: 'arm64' }[architecture] ?? architecture;
}
