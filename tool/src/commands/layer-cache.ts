import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import tool from '../../package.json' with { type: 'json' };
import type { Diagnostic } from '../config/diagnostic.ts';
import type { Layer, LayerPlaces, TreeSettings } from '../config/layer.ts';
import { PARSER_VERSION } from '../config/parser-version.ts';
import { writeFileAtomic } from '../system/files.ts';
import type { LayerFileEntry } from './list-layer-files.ts';

/** A layer as it was parsed last, with its warnings. */
export interface CachedLayer {
  readonly stat: string;
  readonly layer: Layer;
  readonly places: LayerPlaces;
  readonly diagnostics: readonly Diagnostic[];
}

/** What a tree was when it was read last, so that a run on an unchanged tree loads neither YAML nor zod. */
export interface LayerCache {
  readonly key: string;
  /** Wall clock in ms when the reading began. */
  readonly started: number;
  /** All layers hang on it, by its defaults. Null: there was no layers.yaml. */
  readonly settingsText: string | null;
  readonly settings: TreeSettings;
  readonly settingsDiagnostics: readonly Diagnostic[];
  readonly layers: Readonly<Record<string, CachedLayer>>;
}

const KEY = `${tool.version}/${PARSER_VERSION}/${process.version}`;
/** Timestamps of files come from a clock that ticks every 4 to 10 ms. */
const CLOCK_TICK_NS = 20_000_000n;

/** A cache that was read, with the test whether an entry may be believed. */
export interface ReadCache extends LayerCache {
  lookUp(file: LayerFileEntry): CachedLayer | undefined;
}

/** The cache of a state folder; undefined when there is none, or when it is damaged or another version's. Never throws. */
export function readLayerCache(stateDir: string): ReadCache | undefined {
  const path = cachePath(stateDir);
  try {
    const written = statSync(path, { bigint: true }).mtimeNs;
    const cache = JSON.parse(readFileSync(path, 'utf8')) as LayerCache;
    if (cache.key !== KEY || typeof cache.layers !== 'object') return undefined;
    // Git's racy rule: a file that changed while it was being read may look the same afterwards.
    const begun = BigInt(Math.floor(cache.started)) * 1_000_000n - CLOCK_TICK_NS;
    const limit = begun < written ? begun : written;
    const layers = new Map(Object.entries(cache.layers));
    return {
      ...cache,
      lookUp: (file) => {
        const entry = layers.get(file.path);
        return entry?.stat === file.stat && file.changedNs < limit ? entry : undefined;
      },
    };
  } catch {
    return undefined;
  }
}

/** Replaces the cache. A state folder that cannot be written is no failure: the next run parses again. */
export async function writeLayerCache(stateDir: string, cache: Omit<LayerCache, 'key'>): Promise<void> {
  try {
    mkdirSync(join(stateDir, 'cache'), { recursive: true });
    await writeFileAtomic(cachePath(stateDir), JSON.stringify({ key: KEY, ...cache }), { mode: 0o600 });
  } catch {
    // See above.
  }
}

function cachePath(stateDir: string): string {
  return join(stateDir, 'cache', 'layers.json');
}
