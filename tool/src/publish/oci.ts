import path from 'node:path';
import { isPublicationOf, publicationAnnotations } from '../records/build-document.ts';
import { removeUnreachable, setTags, tagsOf } from '../records/oci-index.ts';
import { type Descriptor, MANIFEST_TYPE, writeBlob } from '../records/oci-layout.ts';
import { pushIntoLayout, withLayout } from '../records/oci-push.ts';
import { joinedList, ownPart } from './oci-list.ts';
import { relabelled } from './oci-relabel.ts';
import { type Publication, type Publisher, PublishFailure } from './publisher.ts';

/**
 * An OCI image layout on this disk, `oci:DIR`. One push a layout at a time; `index.json` is replaced when all is there: readers and
 * a kill at any time find the old image or the new one. What a shared layout holds already is linked in with its own labels
 * and never passes through local storage.
 */
export const ociPublisher: Publisher<'oci'> = {
  kind: 'oci',

  async publish(image, { directory, tags, list }, workspace) {
    const layout = layoutOf(directory, workspace.root);
    return withLayout(layout, workspace, async () => {
      const { manifest, bytes } =
        (await relabelled(image, layout, workspace.root)) ??
        (await pushIntoLayout(await image.labelled(), layout, workspace));
      const descriptor = await writeBlob(layout, MANIFEST_TYPE, manifest);
      const described = { ...descriptor, annotations: publicationAnnotations(image) };
      const named = new Map<string, Descriptor>();
      for (const tag of tags)
        named.set(tag, list === undefined ? described : await joinedList(layout, tag, described, list));
      const isLeftBehind = await setTags(layout, named);
      const freed = isLeftBehind ? await removeUnreachable(layout) : 0;
      if (freed > 0) workspace.say(`${layout}: removed ${freed} bytes that no tag reaches`);
      return { references: referencesOf(layout, tags, descriptor.digest), bytes };
    });
  },

  async verify(publication, { directory, list }, _layer, { root }) {
    const layout = layoutOf(directory, root);
    const held = await heldBy(layout);
    for (const published of publication.references) {
      if (published.kind !== 'image') return false;
      const own = await ownPart(layout, held.get(published.reference.slice(`oci:${layout}:`.length)), list);
      if (own?.digest !== published.digest) return false;
    }
    return publication.references.length > 0;
  },

  async observe(wanted, { directory, tags, list }, { root }) {
    const layout = layoutOf(directory, root);
    const held = await heldBy(layout);
    const found = await Promise.all(tags.map((tag) => ownPart(layout, held.get(tag), list)));
    const digest = found[0]?.digest;
    const isInLine = found.every((one) => one?.digest === digest && isPublicationOf(one?.annotations, wanted));
    if (digest === undefined || !isInLine) return undefined;
    return { references: referencesOf(layout, tags, digest), bytes: 0 };
  },
};

/** Tag → descriptor; a layout that is missing, damaged or out of reach holds nothing. */
function heldBy(layout: string): Promise<ReadonlyMap<string, Descriptor>> {
  return tagsOf(layout).catch(() => new Map());
}

function referencesOf(layout: string, tags: readonly string[], digest: string): Publication['references'] {
  return tags.map((tag) => ({ kind: 'image', reference: `oci:${layout}:${tag}`, digest }));
}

function layoutOf(directory: string, root: string): string {
  const layout = path.resolve(root, directory);
  if (layout.includes(':')) {
    throw new PublishFailure(`an oci: folder cannot have a colon in its path: ${layout}`, {
      hint: 'In oci:DIR:TAG the first colon ends the folder, and nothing escapes it; choose another folder.',
    });
  }
  return layout;
}
