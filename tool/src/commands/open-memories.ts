import { resolve } from 'node:path';
import type { Layer } from '../config/layer.ts';
import { sharedPlaceOf } from '../config/shared-place.ts';
import type { Asking } from '../publish/publisher.ts';
import type { LayerMemory } from '../records/layer-memory.ts';
import { createLocalMemory } from '../records/local-memory.ts';
import { type Memory, MemoryUnreachable } from '../records/memory.ts';

/**
 * What of the shared memory may be used: nothing, what others built, or that and our own builds for others. `local`: nothing, but what this
 * machine's storage remembers.
 */
export type CacheMode = 'off' | 'local' | 'read' | 'write';

interface Opening {
  readonly mode: CacheMode;
  /** Of layers.yaml: a repository, `oci:DIR`, or empty for each layer's own registry destination. */
  readonly cache: string;
  readonly root: string;
  readonly asking: Asking;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the records say that images are; undefined: storage is asked. */
  readonly graphRoot: string | undefined;
  readonly signal: AbortSignal;
  /** For who deletes by what is said there: a shared place that gives no answer throws MemoryUnreachable. Gets what is waited for. */
  insist?(line: string): void;
  warn(message: string): void;
}

/** Gives each layer's memory; opened when first asked for, and one connection pool for all. */
export function openMemories(opening: Opening): (layer: Layer, place?: string) => Promise<LayerMemory> {
  const said = new Set<string>();
  const warn = (message: string): void => {
    if (!said.has(message)) opening.warn(message);
    said.add(message);
  };
  let local: Promise<Memory | undefined> | undefined;
  const memories = new Map<string, Promise<Memory | undefined>>();
  return async (layer, at) => {
    local ??= openLocal(opening);
    const here = await local;
    const place = at ?? sharedPlaceOf(layer, opening.cache);
    if (place === undefined || opening.mode === 'off' || opening.mode === 'local')
      return { ...(here && { local: here }), writes: false, warn };
    const key = JSON.stringify([place, layer.options.registry_opts_push]);
    let shared = memories.get(key);
    if (shared === undefined) {
      shared = openShared(place, layer, opening, warn);
      memories.set(key, shared);
    }
    const there = await shared;
    return {
      ...(here && { local: here }),
      ...(there && { shared: there }),
      writes: opening.mode === 'write',
      insists: opening.insist !== undefined,
      warn,
    };
  };
}

async function openLocal({ graphRoot, asking }: Opening): Promise<Memory | undefined> {
  try {
    return createLocalMemory((await asking.buildah.store()).graphRoot);
  } catch {
    // A machine without buildah can still plan, by what its records say.
    return graphRoot === undefined ? undefined : createLocalMemory(graphRoot);
  }
}

async function openShared(
  place: string,
  layer: Layer,
  { root, signal, insist }: Opening,
  warn: (message: string) => void,
): Promise<Memory | undefined> {
  if (place.startsWith('oci:')) {
    const { createOciMemory } = await import('../records/oci-memory.ts');
    const refuse = (message: string): never => {
      throw new MemoryUnreachable(message);
    };
    const directory = resolve(root, place.slice('oci:'.length));
    return createOciMemory({ directory, place, signal, warn: insist === undefined ? warn : refuse });
  }
  const { createRegistryMemory } = await import('../records/registry-memory.ts');
  const options = layer.options.registry_opts_push;
  return createRegistryMemory(place, { options, root, signal, warn, ...(insist && { insist }) });
}
