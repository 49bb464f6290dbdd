import { createHash } from 'node:crypto';
import { DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from './manifest.ts';
import { RegistryError } from './registry-error.ts';
import type { RepositoryPlaces } from './repository-places.ts';
import { isMissing, statusError } from './status.ts';

export interface FoundManifest {
  /** As they are stored. */
  readonly bytes: Buffer;
  /** `sha256:…` of the bytes. */
  readonly digest: string;
  readonly mediaType: string;
}

const MANIFESTS = [
  OCI_MANIFEST,
  DOCKER_MANIFEST,
  OCI_INDEX,
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ');

/**
 * One repository of a registry. Reads give undefined for what is not there; everything else that goes wrong is a RegistryError, after
 * as many tries as the effort is worth. What is read by digest has that digest.
 */
export class Repository {
  /** `HOST[:PORT]/PATH`. */
  readonly name: string;
  readonly #places: RepositoryPlaces;

  constructor(places: RepositoryPlaces) {
    this.name = places.name;
    this.#places = places;
  }

  /** `direct`: from where is written to, not from a mirror, which may not know yet. `reference`: a tag or a digest. */
  async manifest(reference: string, { direct = false } = {}): Promise<FoundManifest | undefined> {
    const byDigest = reference.includes(':');
    return this.#places.read(byDigest ? 'digest' : 'tag', direct, async (place) => {
      const what = `${place.endpoint.host}/${place.path}${byDigest ? '@' : ':'}${reference}`;
      const call = { method: 'GET', headers: { accept: MANIFESTS } } as const;
      const answer = await this.#places.call(place, `manifests/${reference}`, call);
      if (isMissing(answer)) return undefined;
      if (answer.status !== 200) throw statusError(answer, what);
      const digest = digestOf(answer.body);
      checkDigest(what, digest, byDigest ? reference : answer.headers['docker-content-digest']);
      const mediaType = (answer.headers['content-type'] ?? OCI_MANIFEST).split(';')[0] as string;
      return { bytes: answer.body, digest, mediaType };
    });
  }

  /** Where nothing is in the way of it: a layer and the configuration must be there. Gives its digest. */
  async putManifest(reference: string, mediaType: string, bytes: Buffer): Promise<string> {
    await this.#places.write(async (place) => {
      const call = { method: 'PUT', headers: { 'content-type': mediaType }, body: bytes } as const;
      const answer = await this.#places.call(place, `manifests/${reference}`, call);
      if (answer.status < 200 || answer.status >= 300) throw statusError(answer, `${this.name}:${reference}`);
    });
    return digestOf(bytes);
  }

  /** With all its tags. False where the registry deletes nothing. */
  async deleteManifest(digest: string): Promise<boolean> {
    return this.#delete(digest, `${this.name}@${digest}`, [405]);
  }

  /**
   * Takes a tag away and leaves what it named. False where the registry says that it cannot; one that only knows digests may also say that
   * nothing is there, so look afterwards.
   */
  async deleteTag(tag: string): Promise<boolean> {
    return this.#delete(tag, `${this.name}:${tag}`, [400, 405, 501]);
  }

  #delete(reference: string, what: string, unsupported: readonly number[]): Promise<boolean> {
    return this.#places.write(async (place) => {
      const answer = await this.#places.call(place, `manifests/${reference}`, { method: 'DELETE' }, ['delete']);
      if (isMissing(answer) || answer.status < 300) return true;
      if (unsupported.includes(answer.status)) return false;
      throw statusError(answer, what);
    });
  }

  /** The whole blob in memory: for configurations and documents, not for layers. */
  async blob(digest: string, { direct = false } = {}): Promise<Buffer | undefined> {
    return this.#places.read('digest', direct, async (place) => {
      const answer = await this.#places.call(place, `blobs/${digest}`, { method: 'GET' });
      if (isMissing(answer)) return undefined;
      const what = `${place.endpoint.host}/${place.path}@${digest}`;
      if (answer.status !== 200) throw statusError(answer, what);
      checkDigest(what, digestOf(answer.body), digest);
      return answer.body;
    });
  }

  async hasBlob(digest: string): Promise<boolean> {
    return this.#places.write(async (place) => {
      const answer = await this.#places.call(place, `blobs/${digest}`, { method: 'HEAD' });
      if (isMissing(answer)) return false;
      if (answer.status !== 200) throw statusError(answer, `${this.name}@${digest}`);
      return true;
    });
  }

  /** Sends it unless it is there; gives its digest. */
  async putBlob(bytes: Buffer): Promise<string> {
    const digest = digestOf(bytes);
    if (await this.hasBlob(digest)) return digest;
    await this.#places.write(async (place) => {
      const begun = await this.#places.call(place, 'blobs/uploads/', { method: 'POST' });
      if (begun.status !== 202) throw statusError(begun, `an upload to ${this.name}`);
      const location = await this.#places.uploadUrl(place, begun);
      location.searchParams.append('digest', digest);
      const headers = { 'content-type': 'application/octet-stream' };
      const sent = await this.#places.call(place, location, { method: 'PUT', headers, body: bytes });
      if (sent.status < 200 || sent.status >= 300) throw statusError(sent, `an upload to ${this.name}`);
    });
    return digest;
  }

  /** Makes a blob of another repository of the same registry one of this; false where the registry does not. */
  async mountBlob(digest: string, from: string): Promise<boolean> {
    return this.#places.write(async (place) => {
      const query = new URLSearchParams({ mount: digest, from }).toString();
      const more = [`repository:${from}:pull`];
      const answer = await this.#places.call(place, `blobs/uploads/?${query}`, { method: 'POST' }, [], more);
      if (answer.status === 201) return true;
      if (answer.status === 202) {
        // It began an upload instead.
        const location = await this.#places.uploadUrl(place, answer);
        await this.#places.call(place, location, { method: 'DELETE' }).catch(() => undefined);
        return this.hasBlob(digest);
      }
      if (isMissing(answer) || answer.status === 405) return false;
      throw statusError(answer, `a blob of ${from} for ${this.name}`);
    });
  }

  /** Page by page, as the registry gives them. Nothing when there is no such repository. */
  async *tags(): AsyncGenerator<string> {
    let next: string | undefined = 'tags/list?n=1000';
    while (next !== undefined) {
      const at: string = next;
      const answer = await this.#places.read('tag', true, async (place) => {
        const got = await this.#places.call(place, at, { method: 'GET' });
        if (isMissing(got)) return undefined;
        if (got.status !== 200) throw statusError(got, `the tags of ${this.name}`);
        return got;
      });
      if (answer === undefined) return;
      const { tags } = JSON.parse(answer.body.toString('utf8')) as { tags?: readonly string[] | null };
      yield* tags ?? [];
      const link: string | undefined = /<([^>]+)>\s*;\s*rel="?next/.exec(answer.headers.link ?? '')?.[1];
      next = link === undefined ? undefined : `tags/list${new URL(link, 'http://registry').search}`;
      if (next === at) throw new RegistryError('unexpected', `${this.name}: a page of its tags leads to itself`);
    }
  }
}

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Only sha256 can be compared; what a registry names by another algorithm is taken by ours. */
function checkDigest(what: string, digest: string, expected: string | undefined): void {
  if (expected === undefined || !expected.startsWith('sha256:') || expected === digest) return;
  throw new RegistryError(
    'digest',
    `${what}: what the registry gave is ${digest}, not ${expected}: it was damaged or changed`,
  );
}
