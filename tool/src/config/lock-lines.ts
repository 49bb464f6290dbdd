import { formatLock, type Lock, type LockEntry } from './lock.ts';

const LAYER = /^ {2}("(?:[^"\\]|\\.)*"):$/;
const FIELD = /^ {6}(reference|digest): ("(?:[^"\\]|\\.)*")$/;
const REPOSITORY = /^ {6}("(?:[^"\\]|\\.)*"): ("sha256:[0-9a-f]{64}")$/;

/**
 * Reads a lock that is exactly as `formatLock` writes it, without a YAML parser, which a build that has nothing to do must not
 * load. Undefined for anything else: an edited or merged file, which `parseLock` reads and finds the problems of. Pure.
 */
export function readPlainLock(text: string): Lock | undefined {
  const lock = new Map<string, { parent: Record<string, string>; repositories: Record<string, string> }>();
  let entry: { parent: Record<string, string>; repositories: Record<string, string> } | undefined;
  try {
    for (const line of text.split('\n')) {
      const [, id] = LAYER.exec(line) ?? [];
      const [, field, value] = FIELD.exec(line) ?? [];
      const [, url, digest] = REPOSITORY.exec(line) ?? [];
      if (id !== undefined) {
        entry = { parent: {}, repositories: {} };
        lock.set(JSON.parse(id), entry);
      } else if (entry !== undefined && field !== undefined) {
        entry.parent[field] = JSON.parse(value as string);
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

function entryOf({ parent, repositories }: { parent: Record<string, string>; repositories: Record<string, string> }) {
  const { reference, digest } = parent;
  return reference === undefined || digest === undefined
    ? { repositories }
    : { parent: { reference, digest }, repositories };
}

function isWhole({ parent }: LockEntry): boolean {
  return parent === undefined || (parent.reference !== '' && /^sha256:[0-9a-f]{64}$/.test(parent.digest));
}

/** Also for a member that is called `__proto__`. */
function plainMember(value: string): PropertyDescriptor {
  return { value, enumerable: true, writable: true, configurable: true };
}
