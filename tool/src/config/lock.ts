/** The name of the lock file at the root of a tree. */
export const LOCK_FILE = 'layers.lock';

/** What layers.lock holds of one layer: the outside as its last build used it. */
export interface LockEntry {
  /** An external parent as the layer file calls it, and the digest that counts for it. */
  readonly parent?: LockedImage;
  /** The same for a tools image from elsewhere. */
  readonly tools?: LockedImage;
  /** URL of a package repository's metadata, without credentials → `sha256:…`. */
  readonly repositories: Readonly<Record<string, string>>;
}

export interface LockedImage {
  readonly reference: string;
  readonly digest: string;
}

/** By layer id. */
export type Lock = ReadonlyMap<string, LockEntry>;

const HEADER = `# The outside that the images of this tree are made from: parent images from elsewhere, and package repositories.
# Written by 'layers lock', and by builds that used something newer. A change of an entry builds its layer again.
`;

/** Text of layers.lock: sorted, a line a fact, so that its difference can be reviewed and merged. Pure. */
export function formatLock(lock: Lock): string {
  const lines = [`${HEADER}version: 1`, lock.size === 0 ? 'layers: {}' : 'layers:'];
  for (const [id, { parent, tools, repositories }] of sorted(lock)) {
    lines.push(`  ${JSON.stringify(id)}:`, ...imageLines('parent', parent), ...imageLines('tools', tools));
    const entries = sorted(Object.entries(repositories));
    lines.push(entries.length === 0 ? '    repositories: {}' : '    repositories:');
    for (const [url, digest] of entries) lines.push(`      ${JSON.stringify(url)}: ${JSON.stringify(digest)}`);
  }
  return `${lines.join('\n')}\n`;
}

function imageLines(name: string, image: LockedImage | undefined): string[] {
  if (image === undefined) return [];
  const { reference, digest } = image;
  return [`    ${name}:`, `      reference: ${JSON.stringify(reference)}`, `      digest: ${JSON.stringify(digest)}`];
}

/** By code points, so that every machine writes the same. */
function sorted<T>(entries: Iterable<readonly [string, T]>): (readonly [string, T])[] {
  return [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
