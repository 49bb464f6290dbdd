import type { Layer } from '../config/layer.ts';

/**
 * One number a way of building, part of every recipe that uses it. Raise it when an argv or a written file of that way
 * changes: images are then built again. `test/build/golden/` holds what each number stands for, and fails when only one of
 * the two changes.
 */
export const STEP_VERSIONS = {
  apt: 2,
  dnf: 2,
  zypper: 1,
  ansible: 4,
  /** Not a way of its own: a part at the end of each. */
  openscap: 1,
} as const;

/** The step version that counts for a layer. Pure and cheap: a null build asks for every layer's. */
export function stepVersionOf({ options }: Layer): number {
  const own = STEP_VERSIONS[options.layer_type === 'ansible' ? 'ansible' : (options.pkg_manager ?? 'dnf')];
  const usesOpenscap = options.install_scap || options.scap_benchmark || options.oval_eval;
  // Both in one number: recipes of layers without it stay as they are.
  return usesOpenscap ? STEP_VERSIONS.openscap * 1000 + own : own;
}
