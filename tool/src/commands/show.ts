import { relative } from 'node:path';
import { destinationsOf } from '../config/destinations.ts';
import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import { withoutSecrets } from '../config/masked.ts';
import { maskSecrets } from '../config/secrets.ts';
import { destinationText } from '../graph/destination-text.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { select } from '../graph/select.ts';
import type { CommandRun } from './command.ts';
import { loadTree } from './load-tree.ts';
import { printDiagnostics } from './print-diagnostics.ts';

/** What a layer ends up with after the defaults of layers.yaml and linking: as YAML in the shape of a layer file, or JSON. */
export const run: CommandRun = async (context) => {
  const [selector] = context.positionals;
  if (selector === undefined) throw new InvalidInput('show which layer?', { hint: 'usage: layers show LAYER' });
  const { graph, diagnostics, tree } = await loadTree({ ...context.options, cwd: context.cwd, env: context.env });
  const { named } = select(graph, { selectors: [selector], prefix: relative(tree.root, context.cwd) });
  const files = new Set([...named].map((id) => graph.layers.get(id)?.file));
  printDiagnostics(
    context,
    diagnostics.filter(({ file }) => files.has(file)),
    tree.root,
  );
  const shown = [...named].map((id) => shownLayer(graph, id));
  if (context.values.json === true) {
    context.print(JSON.stringify({ version: 1, layers: shown }, null, 2));
    return 0;
  }
  const { stringify } = await import('yaml');
  const documents = shown.map(({ id, path, architecture = '', parent, tools, children, destinations, ...file }) => {
    const facts = {
      id,
      file: path,
      architecture,
      parent: parentText(parent),
      'tools image': tools === undefined ? '' : parentText(tools),
      children: children.join(', '),
      destinations: destinations.join(', '),
    };
    const head = Object.entries(facts).filter(([, text]) => text !== '');
    return [
      ...head.map(([name, text]) => `# ${name}: ${text}`),
      stringify(file.settings, { lineWidth: 0 }).trimEnd(),
    ].join('\n');
  });
  context.print(documents.join('\n---\n'));
  return 0;
};

function shownLayer(graph: LayerGraph, id: LayerId) {
  const layer = graph.layers.get(id) as Layer;
  const tools = graph.tools.get(id);
  return {
    id,
    path: layer.file,
    ...(layer.architecture !== undefined && { architecture: layer.architecture }),
    parent: graph.parents.get(id),
    ...(tools && { tools }),
    children: graph.children.get(id) ?? [],
    destinations: destinationsOf(layer).map((one) => maskSecrets(destinationText(one))),
    settings: withoutSecrets(layer),
  };
}

function parentText(link: ReturnType<typeof shownLayer>['parent']): string {
  if (link?.kind === 'layer') return `${link.id} (${link.reference})`;
  return link?.kind === 'external' ? `${link.reference}, from elsewhere` : 'none';
}
