import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Destination } from '../config/destinations.ts';
import type { FileObject } from './file-objects.ts';
import { hashed } from './hashing.ts';
import { type BootContents, type BootNames, objectsOf, rootNameIn } from './object-keys.ts';
import { isOfContent } from './root-facts.ts';

/** A content that a folder holds with its kernel and initramfs, whole. */
export interface HeldFiles {
  readonly names: BootNames;
  readonly contents: BootContents;
  /** Absolute path of a root that holds it. */
  readonly holder: string;
}

/** Looks for the content among the destination's roots, whatever their tags. */
export async function findHeldFiles(
  directory: string,
  objects: ReadonlyMap<string, FileObject>,
  contentDigest: string,
  destination: Extract<Destination, { kind: 'file' }>,
): Promise<HeldFiles | undefined> {
  for (const [key, root] of objects) {
    const os = rootNameIn(destination, key)?.os;
    if (os === undefined || !isOfContent(root.root, contentDigest, destination, os)) continue;
    const facts = root.root;
    const [kernel, initramfs] = objectsOf({ ...destination, tags: [] }, facts).map((one) => ({
      key: one.key,
      object: objects.get(one.key),
    }));
    if (kernel?.object?.sha256 !== facts.kernelSha256 || initramfs?.object?.sha256 !== facts.initramfsSha256) continue;
    const files = [
      [key, root],
      [kernel.key, kernel.object],
      [initramfs.key, initramfs.object],
    ] as const;
    const checks = files.map(async ([name, object]) => {
      return (await whatIsThere(path.join(directory, name), object))?.sha256 === object.sha256;
    });
    if (!(await Promise.all(checks)).every(Boolean)) continue;
    const contents = { root, kernel: kernel.object, initramfs: initramfs.object };
    return { names: facts, contents: sizesOf(contents), holder: path.join(directory, key) };
  }
  return undefined;
}

function sizesOf({ root, kernel, initramfs }: Record<keyof BootContents, FileObject>): BootContents {
  const only = ({ size, sha256 }: FileObject) => ({ size, sha256 });
  return { root: only(root), kernel: only(kernel), initramfs: only(initramfs) };
}

/** What is remembered of a file that was not touched since; else its own content. */
export async function whatIsThere(
  file: string,
  known: FileObject | undefined,
): Promise<{ readonly sha256: string; readonly layer?: string } | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined || !found.isFile()) return undefined;
  if (known?.size === found.size && known.mtimeMs === found.mtimeMs) return known;
  return { sha256: (await hashed(file)).sha256 };
}
