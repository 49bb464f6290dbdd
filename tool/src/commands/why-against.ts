import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer } from '../config/layer.ts';
import { differences } from '../recipe/difference.ts';
import { recipeKeyOf } from '../recipe/recipe.ts';
import { whyJson, whyLines } from '../report/why-text.ts';
import type { CommandContext } from './command.ts';
import { type Against, findAgainst, type RecipeSources } from './compare.ts';
import type { Prepared } from './prepare.ts';
import { recipeSources } from './recipe-sources.ts';

/**
 * Prints how the named layers' recipes of now differ from others. While a parent is to be built, a layer's recipe of now is that on the
 * parent as last built, or the record's, and that is said.
 */
export async function compareWith(context: CommandContext, prepared: Prepared, text: string): Promise<void> {
  const sources = recipeSources(context, prepared);
  for (const id of prepared.wish.named) {
    const layer = prepared.graph.layers.get(id) as Layer;
    const now = prepared.plan.decisions.get(id)?.recipe ?? prepared.facts.records.get(id)?.recipe;
    const against = await found(context, text, layer, sources, prepared.wish.named.size > 1);
    if (against === undefined) continue;
    if (now === undefined) {
      context.warn(`${id}: its recipe is not known before its parent, or the layer itself, is built`);
      continue;
    }
    if (prepared.plan.decisions.get(id)?.recipe === undefined) {
      context.warn(`${id}: waits for its parent; compared is the recipe of its last build`);
    }
    const comparison = {
      id,
      names: { parent: layer.options.parent, toolsImage: layer.options.tools_image },
      source: against.source,
      keys: { before: recipeKeyOf(against.recipe), now: recipeKeyOf(now) },
      changes: differences(against.recipe, now),
    };
    if (context.values.json === true) context.print(JSON.stringify(whyJson(comparison)));
    else for (const line of whyLines(comparison)) context.print(line);
  }
}

/** Of several layers, one that was not there then is only said. */
async function found(
  context: CommandContext,
  text: string,
  layer: Layer,
  sources: RecipeSources,
  isOneOfMany: boolean,
): Promise<Against | undefined> {
  try {
    return await findAgainst(text, layer, sources);
  } catch (error) {
    if (!isOneOfMany || !(error instanceof InvalidInput)) throw error;
    context.warn(`${layer.id}: ${error.message}`);
    return undefined;
  }
}
