import { existsSync } from 'node:fs';
import type { FSWatcher } from 'chokidar';

/** A path that changed; `names`: it came or went, so that the folder around it lists other names. */
export interface Change {
  readonly path: string;
  readonly names: boolean;
}

/** The kernel watches no more folders for this user, or the process may open no more. */
export class TooManyWatches extends Error {
  override readonly name = 'TooManyWatches';
  readonly hint: string;
  constructor(folders: number, cause: NodeJS.ErrnoException) {
    const limit = cause.code === 'EMFILE' ? 'fs.inotify.max_user_instances' : 'fs.inotify.max_user_watches';
    super(`${folders.toLocaleString('en-US')} folders are too many for the kernel's limit on watches (${cause.code})`, {
      cause,
    });
    this.hint = `as root: sysctl ${limit}=${cause.code === 'EMFILE' ? 1024 : 1_048_576} (in /etc/sysctl.d/ to keep it); --poll works without, and is slower`;
  }
}

export interface ObserverOptions {
  readonly poll: boolean;
  isNoise(path: string): boolean;
  /** A few milliseconds' worth of changes. */
  changed(changes: readonly Change[]): void;
  failed(error: Error): void;
}

/** Long enough for what a tool writes beside a file and moves over it: then that never was. */
const BATCH_MS = 15;

/**
 * Watches folders, not files: a watch a file costs more than the files themselves. One chokidar watcher for each time that folders were
 * added, as only a new one says when it is ready.
 */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #watched = new Set<string>();
  readonly #watchers = new Set<FSWatcher>();
  readonly #pending = new Map<string, { readonly first: string; last: string }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#watched.size;
  }

  /**
   * From now on these folders too, as far as they are there. Resolves when every change is seen. What is not wanted any more stays
   * watched: chokidar would pass over all that is below it as well. Throws TooManyWatches.
   */
  async watch(folders: ReadonlySet<string>): Promise<void> {
    const added = [...folders].filter((folder) => !this.#watched.has(folder) && existsSync(folder));
    if (added.length === 0) return;
    const { watch } = await import('chokidar');
    const { poll, isNoise } = this.#options;
    const watcher = watch(added, {
      backend: poll ? 'polling' : 'native',
      pollingInterval: 500,
      depth: 0,
      ignoreInitial: true,
      followSymlinks: false,
      atomic: false,
      ignorePermissionErrors: true,
      ignored: isNoise,
    });
    this.#watchers.add(watcher);
    for (const folder of added) this.#watched.add(folder);
    await new Promise<void>((resolve, reject) => {
      watcher.on('ready', resolve);
      watcher.on('error', (error) => reject(this.#inWords(error)));
    });
    watcher.removeAllListeners('error');
    watcher.on('error', (error) => this.#options.failed(this.#inWords(error)));
    watcher.on('all', (event, path) => this.#take(event, path));
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all([...this.#watchers].map((watcher) => watcher.close()));
  }

  #take(event: string, path: string): void {
    if (event === 'unlinkDir') this.#forget(path);
    const pending = this.#pending.get(path);
    if (pending === undefined) this.#pending.set(path, { first: event, last: event });
    else pending.last = event;
    this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  /** A folder that is gone is watched anew when it is there again. */
  #forget(path: string): void {
    for (const folder of this.#watched) {
      if (folder === path || folder.startsWith(`${path}/`)) this.#watched.delete(folder);
    }
  }

  #flush(): void {
    this.#timer = undefined;
    const changes = [...this.#pending]
      .filter(([, { first, last }]) => !(first.startsWith('add') && last.startsWith('unlink')))
      .map(([path, { first, last }]) => ({ path, names: first !== 'change' || last !== 'change' }));
    this.#pending.clear();
    if (changes.length > 0) this.#options.changed(changes);
  }

  #inWords(error: unknown): Error {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EMFILE') return error as Error;
    return new TooManyWatches(this.#watched.size, error as NodeJS.ErrnoException);
  }
}
