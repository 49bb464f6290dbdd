import { relative } from 'node:path';
import type { LayerId } from '../config/layer.ts';
import { select } from '../graph/select.ts';
import type { CommandContext } from './command.ts';
import { type LoadedTree, loadTree } from './load-tree.ts';
import { printDiagnostics } from './print-diagnostics.ts';

/** The tree, whose warnings are told, and the layers of it that the command line names: all, where it names none. Throws InvalidInput. */
export async function loadNamed(
  context: CommandContext,
): Promise<LoadedTree & { readonly named: ReadonlySet<LayerId> }> {
  const { options, cwd, env, positionals } = context;
  const loaded = await loadTree({ ...options, cwd, env });
  const { graph, diagnostics, tree } = loaded;
  printDiagnostics(context, diagnostics, tree.root);
  const { named } = select(graph, { selectors: positionals, prefix: relative(tree.root, cwd) });
  return { ...loaded, named };
}
