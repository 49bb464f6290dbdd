import { stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { PublishedReference } from '../config/destinations.ts';
import { withFileLock } from '../system/with-file-lock.ts';
import { findHeldFiles, whatIsThere } from './file-held.ts';
import { readObjects, writeObjects } from './file-objects.ts';
import { placeCopy, placeMade, targetOf } from './file-place.ts';
import {
  type BootContents,
  type BootNames,
  contentsOf,
  fileOf,
  namesOf,
  type ObjectKind,
  objectsOf,
  overwritten,
} from './object-keys.ts';
import type { BootArtefacts, Publisher } from './publisher.ts';
import { rootFactsOf } from './root-facts.ts';

/**
 * `file:DIR`: the keys of an S3 bucket as files below `DIR/BUCKET`, for a web server or a sync to take from there. What it holds
 * under any tag is neither made nor written again.
 */
export const filePublisher: Publisher<'file'> = {
  kind: 'file',

  async publish(image, destination, workspace, boot) {
    const directory = path.resolve(workspace.root, destination.directory);
    const { contentDigest, recipeKey, layer } = image;
    const held = await findHeldFiles(directory, await readObjects(directory), contentDigest, destination);
    // Outside the lock: it takes minutes.
    const artefacts = held ? undefined : await boot.make(destination.squashfsOptions, destination.bootKernel);
    const lock = path.join(path.dirname(directory), `.${path.basename(directory)}.lock`);
    return withFileLock(lock, workspace, async () => {
      const objects = await readObjects(directory);
      const { names, contents, holder } = held ?? known(artefacts as BootArtefacts);
      const facts = rootFactsOf(contentDigest, destination, names, contents);
      const holders = new Map<string, string>();
      // Looked at again: while we waited for the lock somebody else may have replaced it.
      if (holder !== undefined) {
        const there = await whatIsThere(holder, objects.get(path.relative(directory, holder)));
        if (there?.sha256 === contents.root.sha256) holders.set(there.sha256, holder);
      }
      let bytes = 0;
      for (const { kind, key } of objectsOf(destination, names)) {
        const target = targetOf(directory, key);
        const content = contents[kind];
        const before = await whatIsThere(target, objects.get(key));
        if (before?.sha256 !== content.sha256) {
          const warning = before && overwritten(key, before.layer, layer.id);
          if (warning) workspace.warn(warning);
          workspace.progress(`writing ${key}`, bytes);
          const source = holders.get(content.sha256);
          if (source !== undefined) bytes += await placeCopy(source, content, target);
          else bytes += await placeMade(fileOf(artefacts ?? (await made()), kind), target);
        }
        holders.set(content.sha256, target);
        const { mtimeMs } = await stat(target);
        const root = kind === 'root' ? { root: facts } : {};
        objects.set(key, { ...content, mtimeMs, layer: layer.id, recipeKey, contentDigest, ...root });
      }
      await writeObjects(directory, objects);
      return { references: referencesOf(directory, destination, names, contents), bytes };
    });

    /** A file that was there a moment ago went. */
    function made(): Promise<BootArtefacts> {
      return boot.make(destination.squashfsOptions, destination.bootKernel);
    }
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

  async observe(wanted, destination, { root }) {
    const directory = path.resolve(root, destination.directory);
    const objects = await readObjects(directory);
    const held = await findHeldFiles(directory, objects, wanted.contentDigest, destination);
    if (held === undefined) return undefined;
    for (const { kind, key } of objectsOf(destination, held.names)) {
      const there = await whatIsThere(path.join(directory, key), objects.get(key));
      if (there?.sha256 !== held.contents[kind].sha256) return undefined;
    }
    return { references: referencesOf(directory, destination, held.names, held.contents), bytes: 0 };
  },
};

function known(artefacts: BootArtefacts): { names: BootNames; contents: BootContents; holder?: string } {
  return { names: namesOf(artefacts), contents: contentsOf(artefacts) };
}

function referencesOf(
  directory: string,
  destination: Parameters<typeof objectsOf>[0],
  names: BootNames,
  contents: BootContents,
): PublishedReference[] {
  return objectsOf(destination, names).map(({ kind, key }: { kind: ObjectKind; key: string }) => {
    const { size, sha256 } = contents[kind];
    return { kind, url: pathToFileURL(path.join(directory, key)).href, size, sha256 };
  });
}
