import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '../system/files.ts';
import { type FileState, sameState } from './file-state.ts';
import type { GitModes, IndexStates } from './git-modes.ts';

/** State when it was hashed, the mode that counts, and the digest. */
type CachedDigest = readonly [...state: FileState, mode: number, digest: string];

interface Saved {
  readonly version: 1;
  /** Of the git indexes that the modes in `files` are from. */
  readonly indexes: IndexStates;
  readonly files: Readonly<Record<string, CachedDigest>>;
  /** Digests whose mode may have changed with an index since. */
  readonly older: Readonly<Record<string, CachedDigest>>;
}

export interface DigestCache {
  /** What is known of the file in this state; `isCurrent`: its mode needs no second look. */
  find(name: string, state: FileState): { readonly cached: CachedDigest; readonly isCurrent: boolean } | undefined;
  put(name: string, cached: CachedDigest): void;
  /** Writes what is new. A folder that cannot be written costs time and nothing else, so nothing is thrown. */
  save(): Promise<void>;
}

const EMPTY: Saved = { version: 1, indexes: {}, files: {}, older: {} };
/** Files that are gone stay in the cache until they outweigh the others. */
const SLACK = 10_000;

/** Empty where there is no such file, or a damaged one: then files are read again. */
export function openDigestCache(file: string, git: GitModes): DigestCache {
  const saved = load(file);
  const isCurrent = git.areCurrent(saved.indexes);
  const files = isCurrent ? saved.files : {};
  const older = isCurrent ? saved.older : { ...saved.older, ...saved.files };
  const fresh = new Map<string, CachedDigest>();
  let found = 0;
  let isChanged = false;
  return {
    find(name, state) {
      const current = fresh.get(name) ?? files[name];
      const cached = current ?? older[name];
      if (cached === undefined || !sameState(cached as unknown as FileState, state)) return undefined;
      found += 1;
      return { cached, isCurrent: current !== undefined };
    },
    put(name, cached) {
      fresh.set(name, cached);
      isChanged = true;
    },
    async save() {
      if (!isChanged) return;
      isChanged = false;
      const added = Object.fromEntries(fresh);
      const rest = Object.entries(older).filter(([name]) => !fresh.has(name));
      const isHeavy = rest.length + Object.keys(files).length > 4 * (found + fresh.size) + SLACK;
      const indexes = { ...(isCurrent && !isHeavy ? saved.indexes : {}), ...git.states() };
      const kept = isHeavy
        ? { files: added, older: {} }
        : { files: { ...files, ...added }, older: Object.fromEntries(rest) };
      await write(file, { version: 1, indexes, ...kept });
    },
  };
}

function load(file: string): Saved {
  try {
    const saved = JSON.parse(readFileSync(file, 'utf8')) as Saved;
    const isWhole = saved.version === 1 && [saved.indexes, saved.files, saved.older].every(isRecord);
    return isWhole ? saved : EMPTY;
  } catch {
    return EMPTY;
  }
}

async function write(file: string, saved: Saved): Promise<void> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFileAtomic(file, JSON.stringify(saved));
  } catch {
    // The next run reads the files again.
  }
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
