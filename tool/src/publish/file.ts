import { chmod, link, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PublishedReference } from '../config/destinations.ts';
import { syncFile, syncFolder, temporaryNameBeside } from '../system/files.ts';
import { type FileObject, readObjects, writeObjects } from './file-objects.ts';
import { copyHashing, hashed } from './hashing.ts';
import { fileOf, objectsOf, overwritten } from './object-keys.ts';
import { type LocalFile, type Publisher, PublishFailure } from './publisher.ts';
import { withFileLock } from './with-file-lock.ts';

/** `file:DIR`: the keys of an S3 bucket as files below `DIR/BUCKET`, for a web server or a sync to take from there. */
export const filePublisher: Publisher<'file'> = {
  kind: 'file',

  async publish(image, destination, workspace, boot) {
    const directory = path.resolve(workspace.root, destination.directory);
    const artefacts = await boot.make(destination.squashfsOptions, destination.bootKernel);
    const lock = path.join(path.dirname(directory), `.${path.basename(directory)}.lock`);
    return withFileLock(lock, workspace, async () => {
      const objects = await readObjects(directory);
      const references: PublishedReference[] = [];
      let bytes = 0;
      for (const { kind, key } of objectsOf(destination, artefacts)) {
        const target = targetOf(directory, key);
        const file = fileOf(artefacts, kind);
        const before = await whatIsThere(target, objects.get(key));
        if (before?.sha256 !== file.sha256) {
          const warning = before && overwritten(key, before.layer, image.layer.id);
          if (warning) workspace.warn(warning);
          workspace.progress(`writing ${key}`, bytes);
          bytes += await place(file, sameContent(references, file) ?? file.path, target);
        }
        const { mtimeMs } = await stat(target);
        const { layer, recipeKey, contentDigest } = image;
        objects.set(key, { size: file.size, sha256: file.sha256, mtimeMs, layer: layer.id, recipeKey, contentDigest });
        references.push({ kind, url: pathToFileURL(target).href, size: file.size, sha256: file.sha256 });
      }
      await writeObjects(directory, objects);
      return { references, bytes };
    });
  },

  async verify(publication, destination, _layer, { root }) {
    const directory = path.resolve(root, destination.directory);
    const objects = await readObjects(directory);
    for (const published of publication.references) {
      if (published.kind === 'image') return false;
      const file = fileURLToPath(published.url);
      const there = await whatIsThere(file, objects.get(path.relative(directory, file)));
      if (there?.sha256 !== published.sha256) return false;
    }
    return publication.references.length > 0;
  },
};

/** Keys are joined from prefix, name and tag, which a layer file chooses: they stay below the bucket. */
function targetOf(directory: string, key: string): string {
  if (key.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw new PublishFailure(`the key ${JSON.stringify(key)} is no path below ${directory}`, {
      hint: 'Look at s3_prefix, name and publish_tags.',
    });
  }
  return path.join(directory, key);
}

/** What is remembered of a file that was not touched since; else its own content. */
async function whatIsThere(
  file: string,
  known: FileObject | undefined,
): Promise<{ readonly sha256: string; readonly layer?: string } | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined || !found.isFile()) return undefined;
  if (known?.size === found.size && known.mtimeMs === found.mtimeMs) return known;
  return { sha256: (await hashed(file)).sha256 };
}

/** The file of an earlier tag, so that the content is written once even when the temporary folder is on another disk. */
function sameContent(references: readonly PublishedReference[], file: LocalFile): string | undefined {
  const same = references.find((one) => one.kind !== 'image' && one.sha256 === file.sha256);
  return same?.kind === 'image' || same === undefined ? undefined : fileURLToPath(same.url);
}

/**
 * Gives `target` the content by a hard link, as nothing that is published is ever written in place: gigabytes need no second
 * copy, neither from the temporary folder nor for another tag. Gives the bytes that were written.
 */
async function place(file: LocalFile, source: string, target: string): Promise<number> {
  await mkdir(path.dirname(target), { recursive: true });
  const temporary = temporaryNameBeside(target);
  try {
    const isLinked = await link(source, temporary).then(
      () => true,
      () => false,
    );
    if (!isLinked) await copy(file, temporary);
    await chmod(temporary, 0o644);
    await syncFile(temporary);
    await rename(temporary, target);
    await syncFolder(path.dirname(target));
    return isLinked && source !== file.path ? 0 : file.size;
  } finally {
    await rm(temporary, { force: true });
  }
}

async function copy(file: LocalFile, target: string): Promise<void> {
  const output = await open(target, 'wx', 0o644);
  try {
    const { sha256 } = await copyHashing(file.path, output);
    if (sha256 !== file.sha256) throw new PublishFailure(`${file.path} changed while it was copied`);
  } finally {
    await output.close();
  }
}
