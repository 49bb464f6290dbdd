import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '../system/files.ts';
import type { RootFacts } from './root-facts.ts';

/** What an S3 server would keep as an object's metadata. */
export interface FileObject {
  readonly size: number;
  /** Hex. */
  readonly sha256: string;
  /** With the size, tells whether somebody else wrote the file since. */
  readonly mtimeMs: number;
  /** Who wrote it. */
  readonly layer: string;
  readonly recipeKey: string;
  readonly contentDigest: string;
  /** Of a root. */
  readonly root?: RootFacts;
}

/** Beside the bucket's folder, as the folder holds nothing but objects. */
function listOf(directory: string): string {
  return path.join(path.dirname(directory), `.${path.basename(directory)}.json`);
}

/** Key → object. A list that is missing or damaged is empty: what files hold is then read from them. */
export async function readObjects(directory: string): Promise<Map<string, FileObject>> {
  try {
    const list = JSON.parse(await readFile(listOf(directory), 'utf8')) as { objects: Record<string, FileObject> };
    return new Map(Object.entries(list.objects));
  } catch {
    return new Map();
  }
}

export async function writeObjects(directory: string, objects: ReadonlyMap<string, FileObject>): Promise<void> {
  const sorted = [...objects].sort(([a], [b]) => (a < b ? -1 : 1));
  await writeFileAtomic(listOf(directory), `${JSON.stringify({ version: 1, objects: Object.fromEntries(sorted) })}\n`);
}
