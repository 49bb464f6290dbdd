import { holdsDigest, partName, writeLocalList } from './local-list.ts';
import { type Publisher, PublishFailure } from './publisher.ts';

/** `NAME:TAG` in local containers storage, for each tag: nothing is written but names, and of several architectures a list. */
export const localPublisher: Publisher<'local'> = {
  kind: 'local',

  async publish(image, destination, workspace) {
    const names = destination.tags.map((tag) => localReference(destination.name, tag));
    const id = await image.labelled();
    const { list } = destination;
    await workspace.buildah.tag(
      id,
      list === undefined ? names : names.map((name) => partName(name, list.architecture)),
    );
    if (list !== undefined) for (const name of names) await writeLocalList(name, list, workspace);
    const info = await workspace.buildah.inspect(id);
    if (info === undefined) throw new PublishFailure(`image ${id} is not in local storage any more`);
    return {
      references: names.map((reference) => ({ kind: 'image', reference, digest: info.digest })),
      bytes: 0,
    };
  },

  async verify(publication, { list }, _layer, asking) {
    const { buildah } = asking;
    for (const reference of publication.references) {
      if (reference.kind !== 'image') return false;
      if (list !== undefined) {
        if (!(await holdsDigest(reference.reference, reference.digest, asking))) return false;
        continue;
      }
      const info = await buildah.inspect(reference.reference);
      if (info?.digest !== reference.digest) return false;
    }
    return publication.references.length > 0;
  },

  // Names say nothing of what they stand for, and who has this storage has its records, too.
  observe: async () => undefined,
};

/** As podman and buildah show a name without a registry; theirs must be lower case, ours may not be. */
function localReference(name: string, tag: string): string {
  return name.includes('/') && /[.:]|^localhost\//.test(name.split('/')[0] ?? '')
    ? `${name}:${tag}`
    : `localhost/${name}:${tag}`;
}
