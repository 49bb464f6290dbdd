import { createDigester } from '../inputs/digest-file.ts';
import { digestInputSet } from '../inputs/input-set-digests.ts';
import { layerInputs } from '../inputs/layer-inputs.ts';
import type { InputReader } from '../run/input-reader.ts';

interface Places {
  /** Absolute. */
  readonly root: string;
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The rooms' readers for one tree, and what remembers their digests. What a null build does not use is loaded when it is. */
export function openInputs({ root, stateDir, env }: Places): { reader: InputReader; save(): Promise<void> } {
  const digester = createDigester({ root, stateDir });
  const places = { root, digester, env };
  const reader: InputReader = {
    fixed: (layer) => layerInputs(layer, places),
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
    async stageCopies(layer, folder) {
      const { stageCopies } = await import('../inputs/stage-copies.ts');
      return stageCopies(layer, places, folder);
    },
  };
  return { reader, save: () => digester.save() };
}
