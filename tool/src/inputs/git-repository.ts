import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { type FileState, stateOf } from './file-state.ts';
import { type GitIndex, readGitIndex } from './git-index.ts';

/** A work tree and where git keeps its index. */
export interface GitRepository {
  /** Absolute top of the work tree. */
  readonly top: string;
  readonly indexFile: string;
  /** Of the index, from before it was read. */
  readonly indexState: FileState;
  /** What is tracked; read when first asked. */
  index(): GitIndex;
  /** Whether `folder` (relative to the top) holds a tracked file. */
  tracksFolder(folder: string): boolean;
}

/** The repository whose work tree `folder` lies in. Knows `.git` files, as linked work trees and submodules have them. */
export function findRepository(folder: string): GitRepository | undefined {
  for (let top = folder; ; top = path.dirname(top)) {
    const gitFolder = gitFolderOf(top);
    if (gitFolder !== undefined) return openRepository(top, gitFolder);
    if (top === path.dirname(top)) return undefined;
  }
}

function gitFolderOf(top: string): string | undefined {
  const entry = path.join(top, '.git');
  const stats = statSync(entry, { throwIfNoEntry: false });
  if (stats?.isDirectory()) return entry;
  if (!stats?.isFile()) return undefined;
  const target = readText(entry)?.match(/^gitdir: (.+)/)?.[1];
  return target === undefined ? undefined : path.resolve(top, target.trim());
}

function openRepository(top: string, gitFolder: string): GitRepository {
  const indexFile = path.join(gitFolder, 'index');
  let index: GitIndex | undefined;
  let folders: Set<string> | undefined;
  const read = () => {
    index ??= readIndex(indexFile, gitFolder);
    return index;
  };
  return {
    top,
    indexFile,
    indexState: stateOf(indexFile),
    index: read,
    tracksFolder(folder) {
      folders ??= foldersOf(read());
      return folders.has(folder);
    },
  };
}

function readIndex(indexFile: string, gitFolder: string): GitIndex {
  let bytes: Buffer;
  try {
    bytes = readFileSync(indexFile);
  } catch {
    return new Map();
  }
  return readGitIndex(bytes, hashLength(gitFolder)) ?? new Map();
}

function hashLength(gitFolder: string): 20 | 32 {
  const common = readText(path.join(gitFolder, 'commondir'))?.trim() ?? '.';
  const config = readText(path.join(gitFolder, common, 'config')) ?? '';
  return /^\s*objectformat\s*=\s*"?sha256/im.test(config) ? 32 : 20;
}

function foldersOf(index: GitIndex): Set<string> {
  const folders = new Set<string>(['']);
  for (const name of index.keys()) {
    // Upwards, until a folder that is known already.
    for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1)) {
      const folder = name.slice(0, at);
      if (folders.has(folder)) break;
      folders.add(folder);
    }
  }
  return folders;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
