import { type Diagnostic, InvalidInput } from '../config/diagnostic.ts';
import type { Tree } from '../config/layer.ts';
import { maskSecrets } from '../config/secrets.ts';
import { createDigester } from '../inputs/digest-file.ts';
import { layerInputs } from '../inputs/layer-inputs.ts';
import type { CommandContext, CommandRun } from './command.ts';
import { loadTree } from './load-tree.ts';
import { printDiagnostics } from './print-diagnostics.ts';

/** Says every problem of every file. Exit 0 without errors; warnings do not count. */
export const run: CommandRun = async (context) => {
  const json = context.values.json === true;
  try {
    const { tree, diagnostics, stateDir } = await loadTree({ ...context.options, cwd: context.cwd, env: context.env });
    const all = [...diagnostics, ...(await unusableInputs(context, tree, stateDir, diagnostics))];
    if (json) printJson(context, tree.layers.length, all);
    else {
      printDiagnostics(context, all, tree.root);
      context.print(
        `${count(tree.layers.length, 'layer')}, ${all.length === 0 ? 'no problems' : count(all.length, 'warning')}`,
      );
    }
    return 0;
  } catch (error) {
    if (!json || !(error instanceof InvalidInput) || error.diagnostics.length === 0) throw error;
    printJson(context, null, error.diagnostics);
    return 2;
  }
};

/**
 * Files that layers name and that cannot be used. Throws InvalidInput with them, after all that was found before. Gives warnings:
 * what a layer that is built only when named needs, may be made just before that.
 */
async function unusableInputs(
  context: CommandContext,
  { root, layers }: Tree,
  stateDir: string,
  before: readonly Diagnostic[],
): Promise<Diagnostic[]> {
  const places = { root, digester: createDigester({ root, stateDir }), env: context.env };
  const problems: Diagnostic[] = [];
  const warnings: Diagnostic[] = [];
  for (const layer of layers) {
    try {
      await layerInputs(layer, places);
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      for (const one of error.diagnostics) {
        const isForLater = layer.options.manual && one.code === 'missing-input';
        if (isForLater) warnings.push({ ...one, severity: 'warning', hint: 'make it before the layer is built' });
        else problems.push(one);
      }
    }
  }
  if (problems.length === 0) return warnings;
  const diagnostics = [...before, ...warnings, ...problems];
  throw new InvalidInput(count(problems.length, 'problem'), { diagnostics, root });
}

function printJson(context: CommandContext, layers: number | null, diagnostics: readonly Diagnostic[]): void {
  const masked = diagnostics.map((one) => ({ ...one, message: maskSecrets(one.message) }));
  context.print(JSON.stringify({ version: 1, layers, diagnostics: masked }, null, 2));
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
