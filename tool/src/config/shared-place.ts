import { destinationsOf } from './destinations.ts';
import type { Layer } from './layer.ts';

/**
 * Where machines share a layer's builds: `HOST[:PORT]/REPOSITORY` or `oci:DIR`; undefined for a layer that each machine has to build
 * for itself. Pure.
 * @param cache of layers.yaml; empty: each layer's own registry or layout
 */
export function sharedPlaceOf(layer: Layer, cache: string): string | undefined {
  if (cache === 'off') return undefined;
  if (cache !== '') return cache.replace(/^docker:\/\//, '').replace(/\/+$/, '');
  for (const destination of destinationsOf(layer)) {
    if (destination.kind === 'registry') return destination.repository;
    if (destination.kind === 'oci') return `oci:${destination.directory}`;
  }
  return undefined;
}
