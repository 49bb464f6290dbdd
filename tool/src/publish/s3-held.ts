import type { Destination } from '../config/destinations.ts';
import { type BootContents, type BootNames, objectsOf, rootNameIn, rootStem } from './object-keys.ts';
import { isOfContent, type RootFacts } from './root-facts.ts';
import type { S3Door } from './s3-client.ts';
import { isThere, rootFactsIn } from './s3-metadata.ts';
import { headObject, type Listing, listFolder, type StoredObject } from './s3-objects.ts';

type S3Destination = Extract<Destination, { kind: 's3' }>;

/** Roots under other tags that are looked at, the newest ones. */
const MOST_OTHER_TAGS = 16;

/** One look at a bucket: each key is asked for once, each folder listed once. Lives no longer than a publication or a plan. */
export interface S3View {
  head(key: string): Promise<StoredObject | undefined>;
  list(prefix: string): Promise<Listing>;
}

export function createS3View(door: S3Door): S3View {
  const once = <T>(ask: (key: string) => Promise<T>) => {
    const asked = new Map<string, Promise<T>>();
    return (key: string): Promise<T> => {
      const known = asked.get(key) ?? ask(key);
      asked.set(key, known);
      return known;
    };
  };
  return { head: once((key) => headObject(door, key)), list: once((prefix) => listFolder(door, prefix)) };
}

/** A content that a destination holds with its kernel and initramfs, whole. */
export interface HeldContent {
  readonly names: BootNames;
  readonly contents: BootContents;
  /** Key of a root that holds it. */
  readonly holder: string;
}

interface Root {
  readonly key: string;
  readonly os: string;
  readonly tag: string;
}

/**
 * Looks for the content among the destination's roots: under the wanted tags, then (`anyTag`) under the newest others. The names of
 * objects hold what only the image tells, so that the folder is listed.
 */
export async function findHeld(
  view: S3View,
  contentDigest: string,
  destination: S3Destination,
  { anyTag }: { readonly anyTag: boolean },
): Promise<HeldContent | undefined> {
  const roots = await rootsOf(view, destination);
  const isWanted = ({ tag }: Root) => destination.tags.includes(tag);
  const wanted = roots.filter(isWanted);
  const others = anyTag ? roots.filter((root) => !isWanted(root)).slice(0, MOST_OTHER_TAGS) : [];
  for (const some of [wanted, others]) {
    const found = await Promise.all(some.map(async (root) => ({ root, stored: await view.head(root.key) })));
    for (const { root, stored } of found) {
      const facts = stored && rootFactsIn(stored);
      if (stored === undefined || !isOfContent(facts, contentDigest, destination, root.os)) continue;
      const contents = await contentsAt(view, destination, facts, stored);
      if (contents !== undefined) return { names: facts, contents, holder: root.key };
    }
  }
  return undefined;
}

/** Undefined where kernel or initramfs went or are another layer's by now. */
async function contentsAt(
  view: S3View,
  destination: S3Destination,
  facts: RootFacts,
  root: StoredObject,
): Promise<BootContents | undefined> {
  const [kernel, initramfs] = await Promise.all(
    objectsOf({ ...destination, tags: [] }, facts).map(({ key }) => view.head(key)),
  );
  if (kernel === undefined || initramfs === undefined || root.metadata.sha256 === undefined) return undefined;
  const contents = {
    root: { size: root.size, sha256: root.metadata.sha256 },
    kernel: { size: kernel.size, sha256: facts.kernelSha256 },
    initramfs: { size: initramfs.size, sha256: facts.initramfsSha256 },
  };
  return isThere(kernel, contents.kernel) && isThere(initramfs, contents.initramfs) ? contents : undefined;
}

/** Newest first. */
async function rootsOf({ list }: S3View, destination: S3Destination): Promise<Root[]> {
  const { prefix, name, architecture } = destination;
  const { objects, folders } = await list(prefix);
  const found = [...objects];
  const [folder, ...below] = name.split('/');
  if (below.length > 0) {
    // The slashes of such a name are the bucket's folders.
    const own = folders.filter((one) => one.endsWith(`-${folder}/`));
    for (const one of own) {
      const os = one.slice(prefix.length, -`-${folder}/`.length);
      found.push(...(await list(rootStem(destination, os))).objects);
    }
  }
  return found
    .toSorted((a, b) => b.at - a.at)
    .flatMap(({ key }) => {
      const parts = rootNameIn({ prefix, name, ...(architecture && { architecture }) }, key);
      return parts === undefined ? [] : [{ key, ...parts }];
    });
}
