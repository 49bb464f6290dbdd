import { chmod, link, mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { syncFile, syncFolder, temporaryNameBeside } from '../system/files.ts';
import { copyHashing } from './hashing.ts';
import type { FileContent } from './object-keys.ts';
import { type LocalFile, PublishFailure } from './publisher.ts';

/** Keys are joined from prefix, name and tag, which a layer file chooses: they stay below the bucket. */
export function targetOf(directory: string, key: string): string {
  if (key.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw new PublishFailure(`the key ${JSON.stringify(key)} is no path below ${directory}`, {
      hint: 'Look at s3_prefix, name and publish_tags.',
    });
  }
  return path.join(directory, key);
}

/** Another name for what is published already: one content on the disk. Gives the bytes that were written. */
export async function placeCopy(source: string, content: FileContent, target: string): Promise<number> {
  return (await place(source, content, target)) === 'linked' ? 0 : content.size;
}

/** A new file from the temporary folder. Gives the bytes that are new in the bucket. */
export async function placeMade(file: LocalFile, target: string): Promise<number> {
  await place(file.path, file, target);
  return file.size;
}

/**
 * Gives `target` the content by a hard link, as nothing that is published is ever written in place: gigabytes need no second
 * copy, neither from the temporary folder nor for another tag.
 */
async function place(source: string, content: FileContent, target: string): Promise<'linked' | 'copied'> {
  await mkdir(path.dirname(target), { recursive: true });
  const temporary = temporaryNameBeside(target);
  try {
    const isLinked = await link(source, temporary).then(
      () => true,
      () => false,
    );
    if (!isLinked) await copy(source, content, temporary);
    await chmod(temporary, 0o644);
    await syncFile(temporary);
    await rename(temporary, target);
    await syncFolder(path.dirname(target));
    return isLinked ? 'linked' : 'copied';
  } finally {
    await rm(temporary, { force: true });
  }
}

async function copy(source: string, content: FileContent, target: string): Promise<void> {
  const output = await open(target, 'wx', 0o644);
  try {
    const { sha256 } = await copyHashing(source, output);
    if (sha256 !== content.sha256) throw new PublishFailure(`${source} changed while it was copied`);
  } finally {
    await output.close();
  }
}
