import type { Stats } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * What lies in an image's root, seen from outside. Paths are relative to the root. A link on the way would be followed into
 * the host, so nothing is found behind one.
 */
export async function statInRoot(mountPoint: string, file: string): Promise<Stats | undefined> {
  const parts = file.split('/').filter(Boolean);
  let place = mountPoint;
  let stats: Stats | undefined;
  for (const [index, part] of parts.entries()) {
    place = path.join(place, part);
    try {
      stats = await lstat(place);
    } catch {
      return undefined;
    }
    if (index < parts.length - 1 && !stats.isDirectory()) return undefined;
  }
  return stats;
}

/** What is in a folder of the image; nothing where it is none. */
export async function namesInRoot(mountPoint: string, folder: string): Promise<string[]> {
  const stats = await statInRoot(mountPoint, folder);
  return stats?.isDirectory() ? readdir(path.join(mountPoint, folder)) : [];
}

/** Text of a regular file of the image; undefined when it is none. */
export async function readInRoot(mountPoint: string, file: string): Promise<string | undefined> {
  const stats = await statInRoot(mountPoint, file);
  return stats?.isFile() ? readFile(path.join(mountPoint, file), 'utf8') : undefined;
}

/** `ID`, `VERSION_CODENAME`, … of the image; of the host for `/`. */
export async function osRelease(mountPoint: string): Promise<Readonly<Record<string, string>>> {
  const text =
    (await readInRoot(mountPoint, 'usr/lib/os-release')) ?? (await readInRoot(mountPoint, 'etc/os-release')) ?? '';
  const entries = text.split('\n').flatMap((line) => {
    const [, name, value] = /^([A-Z0-9_]+)=(.*)$/.exec(line.trim()) ?? [];
    return name === undefined ? [] : [[name, (value ?? '').replace(/^(["'])(.*)\1$/, '$2')]];
  });
  return Object.fromEntries(entries);
}
