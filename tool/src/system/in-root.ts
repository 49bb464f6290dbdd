import { lstat, readlink } from 'node:fs/promises';
import path from 'node:path';

/** As many links as the kernel follows before it says ELOOP. */
const MOST_LINKS = 40;

/**
 * Where `inside` (a path as the image's own programs see it) lies on this machine, with every link resolved within
 * `root`: `/etc/os-release` → `../usr/lib/os-release`, or `/boot/vmlinuz` → `/usr/lib/…`, which the host's kernel would
 * resolve outside the image. `..` stops at the root. Undefined where nothing is, or where links go in a circle.
 */
export async function resolveInRoot(root: string, inside: string): Promise<string | undefined> {
  const todo = inside.split('/').filter(Boolean).reverse();
  let done: string[] = [];
  let links = 0;
  while (todo.length > 0) {
    const name = todo.pop() as string;
    if (name === '.') continue;
    if (name === '..') {
      done.pop();
      continue;
    }
    const here = path.join(root, ...done, name);
    const found = await lstat(here).catch(() => undefined);
    if (found === undefined) return undefined;
    if (!found.isSymbolicLink()) {
      if (todo.length > 0 && !found.isDirectory()) return undefined;
      done.push(name);
      continue;
    }
    if (++links > MOST_LINKS) return undefined;
    const target = await readlink(here);
    if (target.startsWith('/')) done = [];
    todo.push(...target.split('/').filter(Boolean).reverse());
  }
  return path.join(root, ...done);
}

/** The path on this machine of a regular file that is not empty; undefined for anything else. */
export async function regularFileInRoot(root: string, inside: string): Promise<string | undefined> {
  const file = await resolveInRoot(root, inside);
  if (file === undefined) return undefined;
  const found = await lstat(file);
  return found.isFile() && found.size > 0 ? file : undefined;
}
