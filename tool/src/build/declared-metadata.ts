import { arch } from 'node:os';
import type { Layer } from '../config/layer.ts';
import { repomdUrl } from './dnf-metadata.ts';
import { expanded, isRepoFile, parseRepoFile, possibleVariables } from './dnf-repo-config.ts';
import { publicUrl } from './repositories.ts';

/**
 * Where the metadata of the layer's own repositories is, from its file alone: for a layer that was never built. Each as the places to try in this
 * order, without credentials. A repository whose place only a build can tell is left out.
 * @param suite of apt where the layer names none
 */
export function declaredMetadata(layer: Layer, suite?: string): readonly (readonly string[])[] {
  const { options, repos, exclusive_repos: exclusive } = layer;
  const places = [...exclusive, ...repos].flatMap((repo) => {
    if (options.pkg_manager !== 'apt') return dnfPlaces(layer, repo);
    if (repo.config !== undefined) return aptEntries(repo.config);
    const dist = repo.apt_dist ?? options.suite ?? suite;
    return repo.url === undefined || dist === undefined ? [] : [aptBase(repo.url, dist)];
  });
  return places.map((place) =>
    (options.pkg_manager === 'apt' ? [`${place}InRelease`, `${place}Release`] : [place]).map(publicUrl),
  );
}

/** The folder of a Release file as apt itself puts it together; a suite that ends with a slash is a flat repository. */
function aptBase(url: string, dist: string): string {
  const root = url.endsWith('/') ? url : `${url}/`;
  return dist.endsWith('/') ? `${root}${dist === '/' ? '' : dist}` : `${root}dists/${dist}/`;
}

/** Of one-line sources, or of deb822 stanzas. */
function aptEntries(config: string): string[] {
  if (!/^Types:/m.test(config)) {
    return config.split('\n').flatMap((line) => {
      const [, url, dist] = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/.exec(line) ?? [];
      return url === undefined || dist === undefined ? [] : [aptBase(url, dist)];
    });
  }
  return config.split(/\n\s*\n/).flatMap((stanza) => {
    const [urls, dists] = ['URIs', 'Suites'].map((name) => fieldOf(stanza, name));
    return (urls ?? []).flatMap((url) => (dists ?? []).map((dist) => aptBase(url, dist)));
  });
}

function fieldOf(stanza: string, name: string): string[] {
  const [, value = ''] = new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, 'im').exec(stanza) ?? [];
  return value.split(/\s+/).filter((word) => word !== '');
}

function dnfPlaces({ options, architecture }: Layer, { url, config }: Layer['repos'][number]): string[] {
  const { releasever } = options;
  const [variables = {}] = possibleVariables({
    ...(releasever === undefined ? {} : { releasever }),
    architecture: architecture ?? arch(),
    custom: {},
  });
  const repos = config === undefined ? [] : parseRepoFile(config).filter((repo) => repo.isEnabled);
  const places = repos.map(({ place }) => (place.kind === 'baseurl' ? repomdUrl(place.url) : place.url));
  if (config === undefined && url !== undefined && !isRepoFile(url)) places.push(repomdUrl(url));
  // What still has a variable in it is known to the image's own dnf only.
  return places.map((place) => expanded(place, variables)).filter((place) => !place.includes('$'));
}
