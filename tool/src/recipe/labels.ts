import type { Layer } from '../config/layer.ts';

const PREFIX = 'org.openchami.image.';

/**
 * The labels of a published image but for `build-date`, which is when the content was first built and therefore no part of a
 * publish key. Repositories are named by alias: a URL may carry credentials.
 */
export function labelsOf(layer: Layer): Record<string, string> {
  const { options } = layer;
  // Keys without an effect in the layer's type say nothing of the image.
  const isBase = options.layer_type === 'base';
  const own = {
    name: options.name,
    type: options.layer_type,
    parent: options.parent,
    'package-manager': isBase ? (options.pkg_manager ?? '') : '',
    tags: options.publish_tags.join(','),
    repositories: isBase ? [...layer.repos, ...layer.exclusive_repos].map((repo) => repo.alias).join(',') : '',
    packages: isBase ? layer.packages.join(',') : '',
    'package-groups': isBase ? layer.package_groups.join(',') : '',
  };
  const named = Object.entries(own).filter(([, value]) => value !== '');
  return { ...Object.fromEntries(named.map(([name, value]) => [PREFIX + name, value])), ...options.labels };
}

/** All labels, as the image gets them. `builtAt`: ISO 8601, when that content was first built. */
export function datedLabelsOf(layer: Layer, builtAt: string): Record<string, string> {
  return { [`${PREFIX}build-date`]: builtAt, ...labelsOf(layer) };
}
