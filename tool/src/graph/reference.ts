import { normalize } from 'node:path/posix';
import { isDigest, isRepository, isTag } from '../config/image-name.ts';

/** An image reference taken apart. */
export interface Reference {
  /** Empty for registries and short names; else `oci:`, `containers-storage:` and the like. */
  readonly transport: string;
  /** `[HOST[:PORT]/]PATH/NAME`, or the folder of an image layout. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

const TRANSPORT = /^(oci|oci-archive|docker-archive|containers-storage|dir):/;
const LOCAL_NAME = /^[^/]*[.:][^/]*\/|^localhost\//;

/**
 * Takes a reference apart: `docker://` and trailing slashes go, a missing tag is `latest`, a digest beats a tag. Short names are
 * not expanded. Undefined for what is no reference (an upper-case name, a bad tag).
 */
export function parseReference(text: string): Reference | undefined {
  const bare = text.trim().replace(/^docker:\/\//, '');
  const transport = TRANSPORT.exec(bare)?.[0] ?? '';
  const { name, tag, digest } = split(bare.slice(transport.length));
  if (digest !== undefined && !isDigest(digest)) return undefined;
  if (tag !== undefined && !isTag(tag)) return undefined;
  const repository = isFolder(transport) ? folder(name) : host(name.replace(/\/+$/, ''));
  const valid = isFolder(transport) ? repository !== '' : isRepository(repository);
  if (!valid) return undefined;
  if (digest !== undefined) return { transport, repository, digest };
  return { transport, repository, tag: tag ?? 'latest' };
}

/** One spelling for one image: what buildah takes, with a tag or digest, without `docker://`. */
export function formatReference({ transport, repository, tag, digest }: Reference): string {
  return `${transport}${repository}${digest === undefined ? `:${tag ?? 'latest'}` : `@${digest}`}`;
}

/** `parseReference` and back; the text as it is when it is no reference. */
export function normaliseReference(text: string): string {
  const reference = parseReference(text);
  return reference === undefined ? text.trim() : formatReference(reference);
}

/** The name that local storage keeps an image under: without a host it lies below `localhost/`. */
export function localRepository(name: string): string {
  return LOCAL_NAME.test(name) ? name : `localhost/${name}`;
}

function split(text: string): { name: string; tag?: string; digest?: string } {
  const at = text.indexOf('@');
  const digest = at === -1 ? undefined : text.slice(at + 1);
  const rest = (at === -1 ? text : text.slice(0, at)).replace(/\/+$/, '');
  // A colon before the last slash is a port.
  const colon = rest.indexOf(':', rest.lastIndexOf('/') + 1);
  const name = colon === -1 ? rest : rest.slice(0, colon);
  const tag = colon === -1 ? undefined : rest.slice(colon + 1);
  return { name, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

function isFolder(transport: string): boolean {
  return transport !== '' && transport !== 'containers-storage:';
}

function folder(path: string): string {
  return path === '' ? '' : normalize(path).replace(/(.)\/+$/, '$1');
}

/** Host names know no case. */
function host(repository: string): string {
  const slash = repository.indexOf('/');
  const first = repository.slice(0, slash);
  if (slash === -1 || !/[.:]/.test(first)) return repository;
  return first.toLowerCase() + repository.slice(slash);
}
