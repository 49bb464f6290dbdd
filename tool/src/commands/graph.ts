import { drawDot, drawMermaid, drawTree, graphJson } from '../graph/draw.ts';
import type { CommandRun } from './command.ts';
import { loadTree } from './load-tree.ts';
import { printDiagnostics } from './print-diagnostics.ts';

/** Draws the layer graph in the format of `--format`. */
export const run: CommandRun = async (context) => {
  const { graph, diagnostics, tree } = await loadTree({ ...context.options, cwd: context.cwd, env: context.env });
  printDiagnostics(context, diagnostics, tree.root);
  switch (context.values.format) {
    case 'dot':
      context.print(drawDot(graph));
      break;
    case 'mermaid':
      context.print(drawMermaid(graph));
      break;
    case 'json':
      context.print(JSON.stringify(graphJson(graph), null, 2));
      break;
    default:
      context.print(drawTree(graph));
  }
  return 0;
};
