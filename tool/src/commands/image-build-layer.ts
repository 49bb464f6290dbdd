import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { type Diagnostic, InvalidInput } from '../config/diagnostic.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import type { Leniency } from '../config/lenient.ts';
import { parseLayer } from '../config/parse-layer.ts';
import { MAXIMAL_LENGTH } from '../config/read-yaml.ts';
import { toolsImageOf } from '../config/tools-image.ts';
import { expandArchitectures } from '../graph/architectures.ts';
import type { ImageLink, LayerGraph } from '../graph/layer-graph.ts';
import { normaliseReference } from '../graph/reference.ts';
import { resolveSource } from '../inputs/copyfiles.ts';
import type { CommandContext } from './command.ts';
import { findRoot, isRoot } from './find-root.ts';
import { machineArchitecture } from './machine-facts.ts';

export interface LoneLayer {
  readonly layer: Layer;
  /** What its relative paths are looked for below, before its own folder. Absolute. */
  readonly root: string;
  /** Of this layer alone, once for each of its architectures: whoever publishes its parent does not matter here. */
  readonly graph: LayerGraph;
  /** Warnings only. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads one layer file as image-build does. Throws InvalidInput with all its problems. */
export async function readLoneLayer(
  config: string,
  flags: Leniency['flags'],
  context: CommandContext,
): Promise<LoneLayer> {
  const { cwd, signal } = context;
  const path = resolve(cwd, config);
  const text = await readText(path, config, signal);
  const name = (path.split('/').at(-1) ?? '').replace(/\.ya?ml$/i, '') || 'layer';
  const { layer, diagnostics } = parseLayer(text, { file: config, id: name, lenient: { ...(flags && { flags }) } });
  if (layer === undefined) {
    const errors = diagnostics.filter(({ severity }) => severity === 'error').length;
    const message = `${errors} ${errors === 1 ? 'problem' : 'problems'} in ${config}, nothing was done`;
    throw new InvalidInput(message, { diagnostics, root: cwd });
  }
  const root = rootOf(layer, path, cwd);
  const below = relative(root, path);
  // Named by its file, so built whatever `manual` says.
  const options = { ...layer.options, manual: false };
  const own = { ...layer, options, file: below.startsWith('..') || isAbsolute(below) ? path : below };
  // Diagnostics name the file as the user did; the layer's own place is below its root.
  return { layer: own, root, graph: graphOf(own, machineArchitecture(context.env)), diagnostics };
}

async function readText(path: string, shown: string, signal: AbortSignal): Promise<string> {
  let bytes: Buffer;
  try {
    // Not by its stat: `--config /dev/stdin` and `--config <(…)` are in use.
    bytes = await readFile(path, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw new InvalidInput(`${shown} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  if (bytes.length > 4 * MAXIMAL_LENGTH) throw new InvalidInput(`${shown} has ${bytes.length} bytes: no layer file`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (error) {
    throw new InvalidInput(`${shown} is not UTF-8`, { cause: error });
  }
}

/**
 * The tree that the file lies in; else the current folder, as there. Where the paths of the file only lead somewhere from the current
 * folder, it is that one.
 */
function rootOf(layer: Layer, file: string, cwd: string): string {
  const tree = treeAbove(dirname(file));
  if (tree === undefined) return cwd;
  const { options, copyfiles } = layer;
  const paths = [...copyfiles.map(({ src }) => src), ...options.playbooks, ...options.inventory].filter(
    (path) => !isAbsolute(path) && !/^https?:/.test(path) && !path.includes(','),
  );
  const isLost = (path: string): boolean => !existsSync(resolveSource(tree, file, path)) && existsSync(join(cwd, path));
  return paths.some(isLost) ? cwd : tree;
}

/** A folder of layer files is no tree here: the current folder counts, as there. */
function treeAbove(folder: string): string | undefined {
  try {
    const root = findRoot(folder);
    return isRoot(root) ? root : undefined;
  } catch {
    return undefined;
  }
}

function graphOf(layer: Layer, machine: string): LayerGraph {
  const { parent } = layer.options;
  const external = (text: string): ImageLink => ({ kind: 'external', reference: normaliseReference(text) });
  const id: LayerId = layer.id;
  const image = toolsImageOf(layer);
  const plain: LayerGraph = {
    layers: new Map([[id, layer]]),
    order: [id],
    parents: new Map([[id, parent === 'scratch' ? { kind: 'scratch' } : external(parent)]]),
    tools: new Map(image === undefined ? [] : [[id, external(image)]]),
    children: new Map([[id, []]]),
  };
  return expandArchitectures(plain, machine).graph;
}
