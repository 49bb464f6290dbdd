import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { type FileState, sameState, stateOf } from './file-state.ts';
import { findRepository, type GitRepository } from './git-repository.ts';
import { type DiskPath, printable } from './names.ts';

/** State of each index that modes were taken from, by the index's path. */
export type IndexStates = Readonly<Record<string, FileState>>;

/** Modes that git keeps, so that a checkout's umask, owner or file system does not change an image. */
export interface GitModes {
  /** 0644 or 0755 of a tracked file, 0755 of a folder that holds one; undefined: not tracked. `file` is absolute. */
  modeOf(file: DiskPath, kind: 'file' | 'folder'): number | undefined;
  /** The indexes asked so far, the root's in any case. */
  states(): IndexStates;
  /** Whether modes that were taken when the indexes were in these states are still right. */
  areCurrent(states: IndexStates): boolean;
}

/** Reads nothing before it is asked; submodules and other checkouts have their own index. */
export function createGitModes(root: string): GitModes {
  const byFolder = new Map<string, GitRepository | undefined>();
  const byTop = new Map<string, GitRepository>();
  const realFolder = memoize(realOrSame);

  function repositoryOf(folder: string): GitRepository | undefined {
    if (byFolder.has(folder)) return byFolder.get(folder);
    const above = path.dirname(folder);
    const isInside = above !== folder && !existsSync(`${folder}/.git`);
    const found = isInside ? repositoryOf(above) : findRepository(folder);
    const repository = found && (byTop.get(found.top) ?? found);
    if (repository !== undefined) byTop.set(repository.top, repository);
    byFolder.set(folder, repository);
    return repository;
  }

  return {
    modeOf(file, kind) {
      const shown = printable(file);
      const folder = realFolder(kind === 'folder' ? shown : path.dirname(shown));
      const repository = repositoryOf(folder);
      if (repository === undefined) return undefined;
      const below = folder.slice(repository.top.length).replace(/^\/+/, '');
      if (kind === 'folder') return repository.tracksFolder(below) ? 0o755 : undefined;
      const name = path.basename(shown);
      const mode = repository.index().get(below === '' ? name : `${below}/${name}`);
      return mode !== undefined && (mode & 0o170000) === 0o100000 ? mode & 0o777 : undefined;
    },
    states() {
      repositoryOf(realFolder(root));
      const states: Record<string, FileState> = {};
      for (const { indexFile, indexState } of byTop.values()) states[indexFile] = indexState;
      return states;
    },
    areCurrent(states) {
      const own = repositoryOf(realFolder(root));
      if (own !== undefined && states[own.indexFile] === undefined) return false;
      return Object.entries(states).every(([file, state]) => sameState(state, stateOf(file)));
    },
  };
}

/** Names that are no UTF-8 are looked up as they are shown. */
function realOrSame(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}

function memoize(read: (key: string) => string): (key: string) => string {
  const known = new Map<string, string>();
  return (key) => {
    const value = known.get(key) ?? read(key);
    known.set(key, value);
    return value;
  };
}
