import { readdir } from 'node:fs/promises';
import picomatch from 'picomatch';
import { regularFileInRoot, resolveInRoot } from '../system/in-root.ts';
import { addedModules, areModulesNewer } from './kernel-modules.ts';
import { compareKernelVersions, kernelVariant } from './kernel-version.ts';
import { kernelWarnings, makeInitramfs } from './kernel-warnings.ts';
import { PublishFailure } from './publisher.ts';

/** A kernel of an image; paths are this machine's. */
export interface FoundKernel {
  readonly version: string;
  readonly kernel: string;
  readonly initramfs?: string;
  /** `initramfs-<kver>.img` or `initrd-<kver>`, as the object will be called. */
  readonly initramfsName?: string;
  /** Modules were added after its initramfs was made. */
  readonly modulesAreNewer: boolean;
  /** Modules that did not come with the kernel (`lustre.ko`), sorted. */
  readonly addedModules: readonly string[];
}

export type BootableKernel = FoundKernel & Required<Pick<FoundKernel, 'initramfs' | 'initramfsName'>>;

/**
 * Every kernel below `root`, newest first. Rescue images (`0-rescue-…`) are left out: they are no kernel of their own. `layers`:
 * as `imageLayers` gives them, where the root is an image's.
 */
export async function findKernels(root: string, layers: readonly string[] = []): Promise<FoundKernel[]> {
  const inBoot = (await namesIn(root, '/boot'))
    .filter((name) => name.startsWith('vmlinuz-'))
    .map((name) => name.slice('vmlinuz-'.length));
  const versions = new Set([...inBoot, ...(await namesIn(root, '/lib/modules'))]);
  const found: FoundKernel[] = [];
  for (const version of versions) {
    // Versions become part of keys and file names.
    if (version.startsWith('0-rescue') || !/^[A-Za-z0-9][A-Za-z0-9._+~-]*$/.test(version)) continue;
    const kernel = await firstOf(root, [`/boot/vmlinuz-${version}`, `/lib/modules/${version}/vmlinuz`]);
    if (kernel === undefined) continue;
    const added = await addedModules(root, version);
    found.push({ version, kernel, addedModules: added, ...(await findInitramfs(root, version, layers)) });
  }
  return found.sort((a, b) => compareKernelVersions(b.version, a.version));
}

/** Debian and SUSE say initrd, everyone else initramfs; the contract knows one name for each family. */
async function findInitramfs(
  root: string,
  version: string,
  layers: readonly string[],
): Promise<Pick<FoundKernel, 'initramfs' | 'initramfsName' | 'modulesAreNewer'>> {
  const places = [
    [`/boot/initramfs-${version}.img`, `initramfs-${version}.img`],
    [`/boot/initrd.img-${version}`, `initrd-${version}`],
    [`/boot/initrd-${version}`, `initrd-${version}`],
    [`/lib/modules/${version}/initrd`, `initramfs-${version}.img`],
  ] as const;
  for (const [place, initramfsName] of places) {
    const initramfs = await regularFileInRoot(root, place);
    if (initramfs === undefined) continue;
    const modulesAreNewer = await areModulesNewer(root, version, initramfs, layers);
    return { initramfs, initramfsName, modulesAreNewer };
  }
  return { modulesAreNewer: false };
}

/**
 * The kernel to publish: `wanted` is a version, a glob, or `newest`. Only kernels with an initramfs of their own count. Among
 * several the newest wins, plain ones before variants such as `+debug`. Throws PublishFailure where there is none. Pure.
 */
export function chooseKernel(
  found: readonly FoundKernel[],
  wanted: string,
): { readonly kernel: BootableKernel; readonly warnings: readonly string[] } {
  const matches = wanted === 'newest' ? () => true : matcher(wanted);
  const candidates = found.filter(({ version }) => matches(version));
  const bootable = candidates.filter(isBootable).sort(byPreference);
  const kernel = bootable[0];
  if (kernel === undefined) throw noKernel(found, candidates, wanted);
  return { kernel, warnings: kernelWarnings(kernel, candidates) };
}

function matcher(wanted: string): (version: string) => boolean {
  // A version is taken literally first: the `+` of `+debug` means something else in a glob.
  const glob = picomatch(wanted, { dot: true, noextglob: true });
  return (version) => version === wanted || glob(version);
}

function byPreference(a: FoundKernel, b: FoundKernel): number {
  const plain = Number(kernelVariant(a.version) !== '') - Number(kernelVariant(b.version) !== '');
  return plain || compareKernelVersions(b.version, a.version);
}

function isBootable(found: FoundKernel): found is BootableKernel {
  return found.initramfs !== undefined;
}

function noKernel(found: readonly FoundKernel[], candidates: readonly FoundKernel[], wanted: string): PublishFailure {
  const list = found.map(({ version, initramfs }) => (initramfs ? version : `${version} (no initramfs)`)).join(', ');
  if (found.length === 0) {
    return new PublishFailure('the image has no kernel (/boot/vmlinuz-*, /lib/modules/*/vmlinuz)', {
      hint: 'Install one in this layer or a parent (kernel-core, linux-image-amd64), or leave out publish_s3.',
    });
  }
  if (candidates.length === 0) {
    return new PublishFailure(`no kernel of the image matches boot_kernel: ${wanted}`, { hint: `It has: ${list}.` });
  }
  const [first = found[0] as FoundKernel] = candidates;
  const asked = wanted === 'newest' ? '' : ` (boot_kernel: ${wanted})`;
  const bare = candidates.map(({ version }) => version).join(', ');
  return new PublishFailure(`no initramfs in the image for kernel ${bare}${asked}`, {
    hint: `Make one in the layer, with cmds: ${makeInitramfs(first)}${candidates.length === found.length ? '' : `. The image has: ${list}.`}`,
  });
}

async function firstOf(root: string, places: readonly string[]): Promise<string | undefined> {
  for (const place of places) {
    const file = await regularFileInRoot(root, place);
    if (file !== undefined) return file;
  }
  return undefined;
}

async function namesIn(root: string, inside: string): Promise<string[]> {
  const folder = await resolveInRoot(root, inside);
  return folder === undefined ? [] : readdir(folder).catch(() => []);
}
