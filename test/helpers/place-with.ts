import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BuildPlace } from './build-layer.ts';
import type { ContainerStorage } from './container-storage.ts';

/** A place with these files, path below its root → text, and package caches beside it. */
export async function placeWith(
  files: Readonly<Record<string, string>>,
  storage: ContainerStorage,
): Promise<BuildPlace> {
  const root = path.join(storage.folder, 'tree');
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), content);
  }
  return { storage, root, caches: path.join(storage.folder, 'caches') };
}
