import type { Layer } from '../config/layer.ts';
import { ansibleBuilder } from './ansible.ts';
import { baseBuilder } from './base.ts';
import { type Builder, BuildFailure } from './builder.ts';
import { withLayerMounts } from './mounts.ts';
import { PACKAGE_MANAGERS } from './package-managers.ts';

/** Who makes this layer, with its mounts. Throws BuildFailure for a package manager that nobody knows. */
export function builderFor(layer: Layer): Builder {
  const builder = builderByType(layer);
  return layer.options.mounts.length === 0 ? builder : withLayerMounts(builder);
}

function builderByType(layer: Layer): Builder {
  if (layer.options.layer_type === 'ansible') return ansibleBuilder;
  const manager = layer.options.pkg_manager ?? '';
  const steps = PACKAGE_MANAGERS[manager];
  if (steps === undefined) {
    throw new BuildFailure(`pkg_manager: ${manager || 'missing'} is not supported`, {
      hint: `supported: ${Object.keys(PACKAGE_MANAGERS).join(', ')}`,
    });
  }
  return baseBuilder(manager, steps);
}
