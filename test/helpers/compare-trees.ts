import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { extendedAttributes } from '../../tool/src/build/extended-attributes.ts';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import type { ContainerStorage } from './container-storage.ts';

/** Path (latin1) → all that an entry is. */
export type TreeListing = ReadonlyMap<string, string>;

/** Lists every entry of an image: type, mode, owner, device, extended attributes, names of one file, link target, time in seconds, content. */
export async function listImage(image: string, storage: ContainerStorage): Promise<TreeListing> {
  const buildah = createBuildah(storage.exec, { isolation: 'chroot', runId: 'list' });
  const container = await buildah.from(image, { pull: 'never' });
  try {
    return await listTree(await buildah.mount(container), storage);
  } finally {
    await buildah.remove(container);
  }
}

/** As `listImage` for a folder. */
export async function listTree(root: string, { exec }: Pick<ContainerStorage, 'exec'>): Promise<TreeListing> {
  const attributes = await extendedAttributes({ root, exec });
  const listing = new Map<string, string>();
  const firstNames = new Map<number, string>();
  const folders = [''];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of readdirSync(Buffer.from(`${root}/${folder}`, 'latin1'), { encoding: 'latin1' }).toSorted()) {
      const path = folder + name;
      const file = Buffer.from(`${root}/${path}`, 'latin1');
      const stats = lstatSync(file);
      const said: (string | number)[] = [stats.mode.toString(8), stats.uid, stats.gid, stats.rdev];
      said.push(attributes.get(path) ?? '', `@${Math.floor(stats.mtimeMs / 1000)}`);
      if (stats.isDirectory()) folders.push(`${path}/`);
      if (stats.isSymbolicLink()) said.push(readlinkSync(file, { encoding: 'latin1' }));
      if (stats.isFile()) {
        const first = firstNames.get(stats.ino);
        if (first === undefined) firstNames.set(stats.ino, path);
        said.push(stats.size, createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16), first ?? '');
      }
      listing.set(path, said.join(' '));
    }
  }
  return listing;
}

/** `path: one | other` of each entry that differs. `without`: times are not looked at where it matches nothing. */
export function differences(one: TreeListing, other: TreeListing, options: { readonly times: boolean }): string[] {
  const shown = (line: string | undefined) => (options.times ? line : line?.replace(/ @\d+/, '')) ?? 'absent';
  const paths = [...new Set([...one.keys(), ...other.keys()])].toSorted();
  return paths.flatMap((path) => {
    const [a, b] = [shown(one.get(path)), shown(other.get(path))];
    return a === b ? [] : [`${path}: ${a} | ${b}`];
  });
}
