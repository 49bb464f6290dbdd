import { arch } from 'node:os';
import { type Architecture, rpmName } from '../config/architectures.ts';
import type { Layer } from '../config/layer.ts';

/** By Node's names, as far as they are others than OCI's. */
const MACHINES: Readonly<Record<string, Architecture>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };

/** What the layer is built for where that is not what this machine's programs are for, and a package manager has to be told. */
export function foreignArchitecture({ architecture }: Layer): Architecture | undefined {
  return architecture === (MACHINES[arch()] ?? arch()) ? undefined : architecture;
}

/** For dnf on this machine, which scriptlets then run by the kernel or by an emulator. */
export function forcedArchitecture(layer: Layer): string[] {
  const foreign = foreignArchitecture(layer);
  return foreign === undefined ? [] : [`--forcearch=${rpmName(foreign)}`];
}

/**
 * For dnf within an image: emulators say what they emulate, and the kernel of an amd64 machine says to programs for i386 that it is
 * one for x86_64.
 */
export function forcedInside(layer: Layer): string[] {
  return foreignArchitecture(layer) === '386' ? forcedArchitecture(layer) : [];
}
