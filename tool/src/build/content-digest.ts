import { createHash, type Hash } from 'node:crypto';
import { createReadStream, lstatSync, readdirSync, readFileSync, readlinkSync, type Stats } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { setImmediate as others } from 'node:timers/promises';
import type { Exec } from '../system/command.ts';
import { extendedAttributes } from './extended-attributes.ts';
import { rpmDatabase } from './rpm-database.ts';
import { contentCounts, isMachineId } from './what-counts.ts';

export interface ContentOptions {
  /** Absolute; the mounted root, which nobody changes meanwhile. */
  readonly root: string;
  /** Digests of what the layer file itself puts where content is left out: it must count all the same. */
  readonly declared: Readonly<Record<string, string>>;
  /** Files that say when they were written: they count without their content. Relative to the root, as Latin-1 of their bytes. */
  readonly dated?: ReadonlySet<string>;
  readonly exec: Exec;
  /** For copies of databases; removed by the caller. */
  readonly temporary: string;
  readonly signal: AbortSignal;
}

/** Files up to this size are read whole: fewer system calls than a stream. */
const WHOLE = 4 * 1024 * 1024;
/**
 * A root has tens of thousands of small files: synchronous calls take a fifth of the time, and after so many milliseconds of them other
 * layers and the terminal get their turn.
 */
const TURN_MS = 10;

/**
 * Hex SHA-256 of the file tree that a build produced: path, type, mode, owner, extended attributes, link target, hard links and content of every
 * entry below the root, and package databases in canonical form. Times are no part of it; `what-counts.ts` has
 * the closed list of content that is left out. Names are bytes. Throws what the file system throws.
 */
export async function treeDigest(options: ContentOptions): Promise<string> {
  const hash = createHash('sha256');
  const [attributes, database] = await Promise.all([extendedAttributes(options), rpmDatabase(options)]);
  const root = Buffer.from(options.root);
  const inodes = new Map<string, string>();
  const folders: Buffer[] = [Buffer.alloc(0)];
  let turn = performance.now();
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    options.signal.throwIfAborted();
    const names = readdirSync(join(root, folder), { encoding: 'buffer' });
    names.sort(Buffer.compare);
    for (const name of names) {
      if (performance.now() - turn > TURN_MS) {
        await others();
        turn = performance.now();
      }
      const path = join(folder, name);
      const text = path.toString('latin1');
      const stat = lstatSync(join(root, path));
      if (database.covers(text) && stat.isFile()) continue;
      hash.update(entryLine(text, stat, attributes.get(text)));
      if (stat.isDirectory()) folders.push(path);
      else if (stat.isSymbolicLink()) {
        const target = readlinkSync(join(root, path), { encoding: 'buffer' });
        hash.update(lengthLine(target.length)).update(target);
      } else if (stat.isFile()) {
        const large = options.dated?.has(text) ? undefined : digestFile(hash, join(root, path), text, stat, inodes);
        if (large !== undefined) await large;
      }
    }
  }
  hash.update(JSON.stringify([database.canonical, options.declared]));
  return hash.digest('hex');
}

/** The whole digest: the tree's, and the image configuration apart from labels, history and times. */
export function withConfiguration(
  tree: string,
  { config, architecture, os }: Readonly<Record<string, unknown>>,
): string {
  const { Labels: _, ...settings } = (config ?? {}) as Record<string, unknown>;
  const sorted = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
  return `sha256:${createHash('sha256')
    .update(JSON.stringify([tree, architecture, os, sorted]))
    .digest('hex')}`;
}

/** JSON of the name keeps entries apart whatever bytes a name holds. */
function entryLine(path: string, stat: Stats, attributes: string | undefined): string {
  const device = stat.isBlockDevice() || stat.isCharacterDevice() ? stat.rdev : 0;
  // The mode holds the type. A folder's size says how its file system stores it, not what is in it.
  return `\n${JSON.stringify([path, stat.mode, stat.uid, stat.gid, device, attributes ?? ''])}\n`;
}

/** The length keeps content apart from the entries that follow, whatever bytes it holds. */
function lengthLine(bytes: number): string {
  return `${bytes} bytes\n`;
}

/** A promise only for a file that is read in pieces. */
function digestFile(
  hash: Hash,
  file: Buffer,
  path: string,
  stat: Stats,
  inodes: Map<string, string>,
): Promise<void> | undefined {
  // One that does not count is no first name: the content would count under none of the names.
  if (!contentCounts(path)) return undefined;
  if (stat.nlink > 1) {
    const inode = `${stat.dev}:${stat.ino}`;
    const first = inodes.get(inode);
    if (first !== undefined) {
      hash.update(`hard link to ${JSON.stringify(first)}`);
      return undefined;
    }
    inodes.set(inode, path);
  }
  if (stat.size > WHOLE) {
    hash.update(lengthLine(stat.size));
    return pipeline(createReadStream(file), async (chunks) => {
      for await (const chunk of chunks) hash.update(chunk);
    });
  }
  const content = readFileSync(file);
  if (isMachineId(path, content)) hash.update('a machine id');
  else hash.update(lengthLine(content.length)).update(content);
  return undefined;
}

function join(folder: Buffer, name: Buffer): Buffer {
  if (folder.length === 0) return name;
  return name.length === 0 ? folder : Buffer.concat([folder, SLASH, name]);
}

const SLASH = Buffer.from('/');
