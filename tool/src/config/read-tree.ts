import type { Diagnostic } from './diagnostic.ts';
import { DEFAULT_SETTINGS, distinct, gatherLayers, layerIdOf, SETTINGS_FILE } from './gather-layers.ts';
import type { LayerId, LayerPlaces, Tree } from './layer.ts';
import { parseLayer } from './parse-layer.ts';
import { parseSettings } from './settings.ts';

export interface ReadTree {
  /** What is valid of it. */
  readonly tree: Tree;
  readonly places: ReadonlyMap<LayerId, LayerPlaces>;
  /** Of all files, each once. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * A whole tree from the texts of its files. Nothing is thrown; layers with errors are left out.
 * @param root absolute path of the tree, only carried over
 * @param settingsText content of layers.yaml, undefined where there is none
 * @param files layer files, paths relative to the root
 */
export function readTree(input: {
  readonly root: string;
  readonly settingsText?: string;
  readonly files: readonly { readonly path: string; readonly text: string }[];
}): ReadTree {
  const {
    settings = DEFAULT_SETTINGS,
    defaults,
    diagnostics,
  } = input.settingsText === undefined
    ? { diagnostics: [] }
    : parseSettings(input.settingsText, { file: SETTINGS_FILE });
  const parsed = input.files.map(({ path, text }) => {
    const id = layerIdOf(path, settings.folders.layers);
    return { path, id, ...parseLayer(text, { file: path, id, ...(defaults && { defaults }) }) };
  });
  const { layers, places, diagnostics: more } = gatherLayers(parsed);
  return {
    tree: { root: input.root, settings, layers },
    places,
    diagnostics: distinct([...diagnostics, ...more]),
  };
}
