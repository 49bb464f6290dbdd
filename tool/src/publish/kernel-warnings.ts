import { compareKernelVersions, kernelVariant } from './kernel-version.ts';
import type { FoundKernel } from './kernels.ts';

/** Shown of a list of modules. */
const MOST_NAMES = 3;

/** What may be wrong with booting `chosen`, each with what to do; `candidates` are those that `boot_kernel` lets through. Pure. */
export function kernelWarnings(chosen: FoundKernel, candidates: readonly FoundKernel[]): string[] {
  const warnings = candidates.flatMap((other) => [...bare(other, chosen), ...lacking(other, chosen)]);
  if (chosen.modulesAreNewer) {
    warnings.push(
      `modules of kernel ${chosen.version} are newer than its initramfs; make it again in the layer that adds them: ${makeInitramfs(chosen)}`,
    );
  }
  return warnings;
}

function bare(other: FoundKernel, { version }: FoundKernel): string[] {
  const isNewer = compareKernelVersions(other.version, version) > 0;
  if (other.initramfs !== undefined || !isNewer || kernelVariant(other.version) !== kernelVariant(version)) return [];
  return [
    `kernel ${other.version} is newer but has no initramfs; publishing ${version}. Make one: ${makeInitramfs(other)}; or write boot_kernel: '${version}' if that is meant`,
  ];
}

/** A child that adds drivers for one kernel does so mostly for the one that it wants to boot. */
function lacking({ version, addedModules, initramfs }: FoundKernel, chosen: FoundKernel): string[] {
  const missing = addedModules.filter((name) => !chosen.addedModules.includes(name));
  if (missing.length === 0 || initramfs === undefined) return [];
  const more = missing.length > MOST_NAMES ? ` and ${missing.length - MOST_NAMES} more` : '';
  const names = `${missing.slice(0, MOST_NAMES).join(', ')}${more}`;
  return [
    `only kernel ${version} has ${names}; publishing ${chosen.version}. Add them for that one too, or write boot_kernel: '${version}'`,
  ];
}

/** A command for the layer's `cmds`, of the family that the kernel's name tells. */
export function makeInitramfs({ version, initramfs }: FoundKernel): string {
  if (/-(amd64|arm64|generic)$/.test(version))
    return `update-initramfs ${initramfs === undefined ? '-c' : '-u'} -k ${version}`;
  const file = version.endsWith('-default') ? `initrd-${version}` : `initramfs-${version}.img`;
  return `dracut --force --no-hostonly --kver ${version} /boot/${file}`;
}
