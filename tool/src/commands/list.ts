import { relative } from 'node:path';
import { isOneOfSeveral } from '../config/architectures.ts';
import { destinationsOf } from '../config/destinations.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { maskSecrets } from '../config/secrets.ts';
import { sharedPlaceOf } from '../config/shared-place.ts';
import { destinationText } from '../graph/destination-text.ts';
import type { LayerGraph, ParentLink } from '../graph/layer-graph.ts';
import { select } from '../graph/select.ts';
import type { CommandRun } from './command.ts';
import { loadTree } from './load-tree.ts';
import { printDiagnostics } from './print-diagnostics.ts';

/** Prints what was selected (nothing: all, manual ones too) with parent and destinations, in build order. */
export const run: CommandRun = async (context) => {
  const { graph, diagnostics, tree } = await loadTree({ ...context.options, cwd: context.cwd, env: context.env });
  printDiagnostics(context, diagnostics, tree.root);
  const selectors = context.positionals;
  const named =
    selectors.length === 0 ? graph.order : select(graph, { selectors, prefix: relative(tree.root, context.cwd) }).named;
  const rows = [...named].map((id) => rowOf(graph, id, tree.settings.cache));
  if (context.values.json === true) context.print(JSON.stringify({ version: 1, layers: rows }, null, 2));
  else if (rows.length > 0) context.print(table(rows));
  return 0;
};

interface Row {
  readonly id: LayerId;
  readonly name: string;
  readonly path: string;
  readonly type: string;
  /** Of a layer for several. */
  readonly architecture?: string;
  readonly parent: string;
  readonly destinations: readonly string[];
  readonly manual: boolean;
  /** Where machines share its builds; null: each builds it. */
  readonly shared: string | null;
}

function rowOf(graph: LayerGraph, id: LayerId, cache: string): Row {
  const layer = graph.layers.get(id) as Layer;
  const { name, layer_type: type, manual } = layer.options;
  const parent = parentName(graph.parents.get(id));
  const destinations = destinationsOf(layer).map((one) => maskSecrets(destinationText(one)));
  const place = sharedPlaceOf(layer, cache);
  const shared = place === undefined ? null : maskSecrets(place);
  const { architecture } = layer;
  const several = architecture !== undefined && isOneOfSeveral(layer) ? { architecture } : {};
  return { id, name, path: layer.file, type, ...several, parent, destinations, manual, shared };
}

function parentName(link: ParentLink | undefined): string {
  if (link?.kind === 'layer') return link.id;
  return link?.kind === 'external' ? link.reference : 'scratch';
}

function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.id,
    row.name,
    row.type + (row.architecture === undefined ? '' : `, ${row.architecture}`) + (row.manual ? ', manual' : ''),
    row.parent,
    (row.destinations.join(', ') || '(local storage only)') + (row.shared === null ? ', not shared' : ''),
  ]);
  const lines = [['ID', 'NAME', 'TYPE', 'PARENT', 'DESTINATIONS'], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
