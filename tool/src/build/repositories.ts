import { createHash } from 'node:crypto';

/**
 * Collects the package repositories that a build used. Every package manager adds to it what its own run left of their metadata,
 * as a mirror may have moved by the time anybody asked again.
 */
export interface UsedRepositories {
  /** `url`: of the metadata file (InRelease, repomd.xml) or, where there is only that, of the list of its mirrors. `bytes`: as they were used. */
  add(url: string, bytes: Uint8Array): void;
  /** URL without credentials → `sha256:…`, sorted. */
  report(): Readonly<Record<string, string>>;
}

export function collectRepositories(): UsedRepositories {
  const used = new Map<string, string>();
  return {
    add: (url, bytes) => void used.set(publicUrl(url), metadataDigest(bytes)),
    report: () => Object.fromEntries([...used].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** `sha256:…` of a metadata file. */
export function metadataDigest(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Parameters whose values open a door; others (`repo=`, `arch=` of a metalink) say what is meant. */
const SECRET_PARAMETER = /^[^=]*(token|key|passw|secret|auth|cred|sig)[^=]*=|^[^=]*$/i;

/** The URL as it may be recorded, printed and committed: without user, password and parameters that are secrets. */
export function publicUrl(url: string): string {
  const bare = url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1');
  const [place = '', query] = bare.split('?', 2);
  const kept = query?.split('&').filter((parameter) => !SECRET_PARAMETER.test(parameter)) ?? [];
  return kept.length === 0 ? place : `${place}?${kept.join('&')}`;
}
