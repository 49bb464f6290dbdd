import { lstat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { regularFileInRoot, resolveInRoot } from '../system/in-root.ts';

const MODULE = /\.ko(\.(gz|xz|zst))?$/;
/** Where modules go that did not come with the kernel: of kmod packages, DKMS, weak-modules, vendors. */
const ADDED = /^(extra|extramodules|updates|weak-updates|misc)$/;
/** Between an initramfs and the depmod that ran in the same package transaction. */
const TOLERANCE_MS = 2_000;

/**
 * Whether modules of a kernel were added after its initramfs was made. Within one layer times tell; between layers, which share one date
 * where nothing newer came in, the layer does. `layers`: as `imageLayers` gives them.
 */
export async function areModulesNewer(
  root: string,
  version: string,
  initramfs: string,
  layers: readonly string[],
): Promise<boolean> {
  // depmod writes it anew whenever modules come or go; the modules themselves carry the times of their packages.
  const list = await regularFileInRoot(root, `/lib/modules/${version}/modules.dep`);
  if (list !== undefined && (await mtime(list)) > (await mtime(initramfs)) + TOLERANCE_MS) return true;
  const folder = await resolveInRoot(root, `/lib/modules/${version}`);
  if (folder === undefined) return false;
  const inside = path.relative(root, folder);
  const place = path.relative(root, initramfs);
  for (const layer of layers) {
    if (await isFile(path.join(layer, place))) return false;
    if ((await modulesBelow(path.join(layer, inside))).length > 0) return true;
    if (await isFile(path.join(layer, inside, 'modules.dep'))) return true;
  }
  return false;
}

/** Names of the modules that were added to a kernel's own, without folders and compression: `lustre.ko`. */
export async function addedModules(root: string, version: string): Promise<string[]> {
  const folder = await resolveInRoot(root, `/lib/modules/${version}`);
  if (folder === undefined) return [];
  const added: string[] = [];
  for (const name of await namesOf(folder)) {
    // A link of weak-updates leads to another kernel's module, which this kernel takes as its own.
    if (ADDED.test(name)) added.push(...(await modulesBelow(path.join(folder, name))));
  }
  return [...new Set(added.map((name) => name.replace(/\.(gz|xz|zst)$/, '')))].sort();
}

/** Base names; folders that are links are not followed. */
async function modulesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && MODULE.test(entry.name))
    .map(({ name }) => name);
}

async function namesOf(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

async function isFile(file: string): Promise<boolean> {
  const stats = await lstat(file).catch(() => undefined);
  return stats?.isFile() ?? false;
}

async function mtime(file: string): Promise<number> {
  return (await lstat(file)).mtimeMs;
}
