import { formatLock, type Lock, type LockEntry, type LockedImage } from './lock.ts';

const LAYER = /^ {2}("(?:[^"\\]|\\.)*"):$/;
const PART = /^ {4}(parent|tools|repositories):/;
const FIELD = /^ {6}(reference|digest): ("(?:[^"\\]|\\.)*")$/;
const REPOSITORY = /^ {6}("(?:[^"\\]|\\.)*"): ("sha256:[0-9a-f]{64}")$/;

/**
 * Reads a lock that is exactly as `formatLock` writes it, without a YAML parser, which a build that has nothing to do must not
 * load. Undefined for anything else: an edited or merged file, which `parseLock` reads and finds the problems of. Pure.
 */
export function readPlainLock(text: string): Lock | undefined {
  const lock = new Map<string, Read>();
  let entry: Read | undefined;
  let part = '';
  try {
    for (const line of text.split('\n')) {
      const [, id] = LAYER.exec(line) ?? [];
      const [, field, value] = FIELD.exec(line) ?? [];
      const [, url, digest] = REPOSITORY.exec(line) ?? [];
      part = PART.exec(line)?.[1] ?? part;
      if (id !== undefined) {
        entry = { parent: {}, tools: {}, repositories: {} };
        lock.set(JSON.parse(id), entry);
      } else if (entry !== undefined && field !== undefined) {
        entry[part === 'tools' ? 'tools' : 'parent'][field] = JSON.parse(value as string);
      } else if (entry !== undefined && url !== undefined) {
        Object.defineProperty(entry.repositories, JSON.parse(url), plainMember(JSON.parse(digest as string)));
      }
    }
  } catch {
    return undefined;
  }
  const read = new Map([...lock].map(([id, one]) => [id, entryOf(one)]));
  // What was passed over, or is in another order, does not come back.
  return formatLock(read) === text && [...read.values()].every(isWhole) ? read : undefined;
}

type Read = Record<'parent' | 'tools' | 'repositories', Record<string, string>>;

function entryOf({ parent, tools, repositories }: Read): LockEntry {
  const [ofParent, ofTools] = [imageOf(parent), imageOf(tools)];
  return { ...(ofParent && { parent: ofParent }), ...(ofTools && { tools: ofTools }), repositories };
}

function imageOf({ reference, digest }: Record<string, string>): LockedImage | undefined {
  return reference === undefined || digest === undefined ? undefined : { reference, digest };
}

function isWhole({ parent, tools }: LockEntry): boolean {
  const images = [parent, tools].filter((image) => image !== undefined);
  return images.every(({ reference, digest }) => reference !== '' && /^sha256:[0-9a-f]{64}$/.test(digest));
}

/** Also for a member that is called `__proto__`. */
function plainMember(value: string): PropertyDescriptor {
  return { value, enumerable: true, writable: true, configurable: true };
}
