import type { Diagnostic } from './diagnostic.ts';
import type { Layer, LayerId, LayerPlaces, TreeSettings } from './layer.ts';
import type { ParsedLayer } from './parse-layer.ts';

// Apart from read-tree.ts, as a null build comes here and must load neither YAML nor zod.

/** The name of the settings file at the root of a tree. */
export const SETTINGS_FILE = 'layers.yaml';

/** What a tree without layers.yaml has. */
export const DEFAULT_SETTINGS: TreeSettings = {
  folders: { layers: 'layers', inventory: 'inventory', playbooks: 'playbooks', state: '.layers' },
  cache: '',
  registryNames: [],
};

/** A layer file's id: its path below the layers folder without extension. */
export function layerIdOf(path: string, layersFolder: string): LayerId {
  const below = path.startsWith(`${layersFolder}/`) ? path.slice(layersFolder.length + 1) : path;
  return below.replace(/\.ya?ml$/, '') as LayerId;
}

/** Puts single files together: two files that would have one id (`a.yml` beside `a.yaml`) are an error. */
export function gatherLayers(parsed: readonly (ParsedLayer & { readonly path: string; readonly id: LayerId })[]): {
  layers: Layer[];
  places: Map<LayerId, LayerPlaces>;
  diagnostics: Diagnostic[];
} {
  const layers: Layer[] = [];
  const places = new Map<LayerId, LayerPlaces>();
  const diagnostics: Diagnostic[] = [];
  const files = new Map<LayerId, string>();
  for (const one of parsed) {
    diagnostics.push(...one.diagnostics);
    const other = files.get(one.id);
    if (other !== undefined) {
      diagnostics.push({
        severity: 'error',
        code: 'duplicate-id',
        message: `\`${other}\` and \`${one.path}\` are one layer, \`${one.id}\``,
        file: one.path,
        hint: 'rename one of the two files',
        related: [{ file: other, message: 'the other file' }],
      });
      continue;
    }
    files.set(one.id, one.path);
    if (one.layer === undefined) continue;
    layers.push(one.layer);
    places.set(one.id, one.places);
  }
  return { layers, places, diagnostics };
}

/** A problem in the defaults of layers.yaml shows in every layer, and is said once. */
export function distinct(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter(({ file, range, code, message }) => {
    const key = JSON.stringify([file, range, code, message]);
    return !seen.has(key) && seen.add(key);
  });
}
