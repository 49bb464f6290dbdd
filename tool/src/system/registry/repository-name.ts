/** `HOST[:PORT]` and the path below it, as the registry's API wants them. */
export interface RepositoryName {
  readonly host: string;
  readonly path: string;
}

const HUB = 'docker.io';

/** `quay.io/a/b` → host and path; a name without a host is Docker Hub's, whose official images lie under `library/`. */
export function splitRepository(repository: string): RepositoryName {
  const slash = repository.indexOf('/');
  const first = slash === -1 ? '' : repository.slice(0, slash);
  const isHost = /[.:]/.test(first) || first === 'localhost';
  const host = isHost ? first : HUB;
  const path = isHost ? repository.slice(slash + 1) : repository;
  const isHub = host === HUB || host === 'index.docker.io';
  return isHub ? { host: HUB, path: path.includes('/') ? path : `library/${path}` } : { host, path };
}

/** Where requests for a host go. */
export function apiHost(host: string): string {
  return host === HUB ? 'registry-1.docker.io' : host;
}
