import type { ExternalImage } from '../graph/external-image.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { externalDigest } from '../run/externals.ts';
import { openAsking } from './asking.ts';
import type { CommandContext } from './command.ts';

/**
 * Asks for digests of external images where they really are; what is there no more, or was never pushed anywhere, is what local storage has.
 * Warns where neither knows the image.
 */
export function imageAsker(
  context: CommandContext,
  root: string,
  graph: LayerGraph,
): (image: ExternalImage) => Promise<string | undefined> {
  const asking = { graph, ...openAsking(context, root) };
  return async (image) => {
    const outside = await externalDigest(image, { ...asking, outside: true }, () => {});
    return outside ?? externalDigest(image, asking, ({ message }) => context.warn(message));
  };
}
