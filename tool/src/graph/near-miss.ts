import type { Layer } from '../config/layer.ts';
import type { Problem } from './link-problems.ts';
import { mainReference, publishedReferences } from './published.ts';
import { formatReference, type Reference } from './reference.ts';
import type { ReferenceIndex } from './reference-index.ts';
import { sayOneRegistry } from './registry-names.ts';

interface NearMiss {
  readonly problem: Problem;
  /** It may be the layer's own image under another name of the registry. */
  readonly otherRegistry: boolean;
}

/**
 * An image from elsewhere that is nearly what a layer of the tree publishes: the right repository with another tag, or the right
 * name and tag in another registry. A warning, as both are possible on purpose.
 */
export function nearMiss(
  layer: Layer,
  what: 'parent' | 'tools image',
  parent: Reference,
  index: ReferenceIndex,
): NearMiss | undefined {
  if (parent.digest !== undefined) return undefined;
  const written = `The ${what} \`${formatReference(parent)}\` comes from elsewhere`;
  const [otherTag] = index.inRepository(parent).filter((one) => one !== layer);
  if (otherTag !== undefined) {
    const tags = otherTag.options.publish_tags.map((tag) => `\`${tag}\``).join(', ');
    const message = `${written}: \`${otherTag.id}\` publishes that name with ${tags} only`;
    return { problem: warning(message, otherTag), otherRegistry: false };
  }
  // Official images have names that everybody uses.
  if (/^docker\.io\/(?:library\/)?[^/]+$/.test(parent.repository)) return undefined;
  const otherRegistry = sameName(parent.repository, index).find((one) => {
    return one !== layer && parent.tag !== undefined && one.options.publish_tags.includes(parent.tag);
  });
  if (otherRegistry === undefined) return undefined;
  const published = publishedReferences(otherRegistry);
  const where =
    published.length === 0 ? 'nowhere that a parent can come from' : `as \`${mainReference(otherRegistry)}\``;
  const message = `${written}: \`${otherRegistry.id}\` has that name and tag, but is published ${where}`;
  const remedies = published
    .filter(({ transport }) => transport === '')
    .map(({ repository }) => sayOneRegistry(repository, parent.repository));
  const remedy = remedies.find((one) => one !== undefined);
  return { problem: warning(message, otherRegistry, remedy), otherRegistry: remedy !== undefined };
}

/** `remedy`: the line of layers.yaml for two names of one registry. */
function warning(message: string, meant: Layer, remedy?: string): Problem {
  const orSay = remedy === undefined ? '' : `; if both names are one registry, write into layers.yaml: \`${remedy}\``;
  return {
    severity: 'warning',
    code: 'near-miss',
    message,
    hint: `if the layer is meant, write \`${mainReference(meant)}\`${orSay}`,
    related: [{ file: meant.file, message: `\`${meant.id}\`` }],
  };
}

/** Names may have slashes: `registry/team/base` may be the name `base`, `team/base` or all of it. */
function sameName(repository: string, index: ReferenceIndex): Layer[] {
  const parts = repository.split('/');
  return parts.flatMap((_, at) => {
    const name = parts.slice(at).join('/');
    return index.named(name).filter((layer) => layer.options.name === name);
  });
}
