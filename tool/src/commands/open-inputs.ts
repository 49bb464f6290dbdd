import type { Layer } from '../config/layer.ts';
import { createDigester } from '../inputs/digest-file.ts';
import { digestInputSet } from '../inputs/input-set-digests.ts';
import { layerInputs, type ScriptAnswers } from '../inputs/layer-inputs.ts';
import { missingMounts } from '../inputs/missing-mounts.ts';
import { type OwnFolders, ownFolders } from '../inputs/own-folders.ts';
import type { InputReader } from '../run/input-reader.ts';

interface Places {
  /** Absolute. */
  readonly root: string;
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** All of the tree, which are published while others are built. */
  readonly layers: Iterable<Layer>;
}

/** The rooms' readers for one tree, and what remembers their digests. What a null build does not use is loaded when it is. */
export function openInputs({ root, stateDir, env, layers }: Places): { reader: InputReader; save(): Promise<void> } {
  const digester = createDigester({ root, stateDir });
  let folders: OwnFolders | undefined;
  // Only who has an Ansible layer asks.
  const own = (): OwnFolders => {
    folders ??= ownFolders(root, stateDir, layers);
    return folders;
  };
  const places = { root, digester, env, own };
  const readerWith = (answers: ScriptAnswers): InputReader => ({
    fixed: (layer) => layerInputs(layer, { ...places, answers }),
    anew: () => readerWith(new Map()),
    ofSet: (layer, set) => digestInputSet(layer, set, places),
    async mayRead(layer) {
      const { mayRead } = await import('../inputs/superset.ts');
      return mayRead(layer, places);
    },
    async named(layer, trace, temporary) {
      if (trace === undefined) {
        const { supersetAsSet } = await import('../inputs/superset.ts');
        return supersetAsSet(layer, places);
      }
      const { inputSetOf } = await import('../inputs/name-trace.ts');
      return inputSetOf(layer, trace, { ...places, temporary });
    },
    async cameOrWent(layer, trace, set, temporary) {
      const { cameOrWent } = await import('../inputs/seen-meanwhile.ts');
      return cameOrWent(layer, { trace, set }, { ...places, temporary });
    },
    async placesOf(layer, set, options) {
      const { watchPlaces } = await import('../inputs/watch-places.ts');
      return watchPlaces(layer, set, places, options);
    },
    missingMounts: (layer) => missingMounts(layer, root),
    async stageCopies(layer, folder) {
      const { stageCopies } = await import('../inputs/stage-copies.ts');
      return stageCopies(layer, places, folder);
    },
  });
  return { reader: readerWith(new Map()), save: () => digester.save() };
}
