import fs, { type PathLike } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type PathState, stateOfItself, stateOfTarget } from './path-state.ts';

/** Everything of the file system that was looked at in a while, by absolute path. */
export interface Seen {
  /** Wall clock in ms when it began: what changed later than the racy rule allows may look the same. */
  readonly started: number;
  /** Links followed: the state of what was there when it was first looked at, before it was read. */
  readonly targets: ReadonlyMap<string, PathState>;
  /** Links not followed. */
  readonly selves: ReadonlyMap<string, PathState>;
  /** Only asked whether there is something. */
  readonly there: ReadonlyMap<string, boolean>;
  /** Path → what it really is, all links resolved; '' where that was an error. */
  readonly real: ReadonlyMap<string, string>;
}

export interface Looks {
  /** Stops looking over shoulders. A text: something happened that no list of paths can prove, in words for a log. */
  end(): Seen | string;
}

type Function = (...args: unknown[]) => unknown;
type Kind = 'target' | 'self' | 'there' | 'real' | 'open';

/** Names without `Sync`; each has a form with a callback, one that waits and one that promises. */
const KINDS: Readonly<Record<string, Kind>> = {
  stat: 'target',
  lstat: 'self',
  exists: 'there',
  access: 'target',
  readFile: 'target',
  readdir: 'target',
  opendir: 'target',
  createReadStream: 'target',
  readlink: 'self',
  realpath: 'real',
  open: 'open',
};
/** They write, or work on what `open` gave. */
const WRITES =
  /^(append|chmod|chown|close|createWriteStream|fchmod|fchown|fdatasync|fstat|fsync|ftruncate|futimes|lchmod|lchown|link|lutimes|mkdir|mkdtemp|read|readv|rename|rm|rmdir|symlink|truncate|unlink|utimes|write|writeFile|writev)$/;
/** Whoever loaded one of these may have asked somebody who looks where nobody sees it. */
const BEYOND =
  /^NativeModule (child_process|cluster|dgram|dns|http|http2|https|tls|worker_threads|internal\/deps\/undici\/undici)$/;

/**
 * Writes down what the process looks at from now on, by standing in front of `node:fs`: a decision that depends on files, arguments and
 * environment only is the same as long as every look would get the same answer. So no room has to tell what it read, and none can
 * forget to. One at a time.
 * @param options.hasAskedBeyond whether a program was started or a server asked; by default, whether that is still impossible
 */
export function watchLooks(options: { readonly hasAskedBeyond?: () => boolean } = {}): Looks {
  const started = Date.now();
  const targets = new Map<string, PathState>();
  const selves = new Map<string, PathState>();
  const there = new Map<string, boolean>();
  const real = new Map<string, string>();
  const original = {
    existsSync: fs.existsSync,
    realpathSync: fs.realpathSync,
    stat: stateOfTarget,
    lstat: stateOfItself,
  };
  let blind: string | undefined;
  // Its own looks are no looks.
  let isOwn = false;

  function note(name: string, kind: Kind, args: readonly unknown[]): void {
    if (isOwn) return;
    isOwn = true;
    try {
      const path = pathOf(args[0]);
      if (path === null) blind ??= `${name} of a name that is no UTF-8`;
      else if (path !== undefined && (kind !== 'open' || isForReading(args[1]))) look(kind, path);
    } finally {
      isOwn = false;
    }
  }

  function look(kind: Kind, path: string): void {
    if (kind === 'there') {
      if (!there.has(path)) there.set(path, original.existsSync(path));
    } else if (kind === 'real') {
      if (!real.has(path)) real.set(path, realOf(path, original.realpathSync));
    } else if (kind === 'self') {
      if (!selves.has(path)) selves.set(path, original.lstat(path));
    } else if (!targets.has(path)) targets.set(path, original.stat(path));
  }

  const before = (name: string, plain: Function): Function | undefined => {
    const base = name.replace(/Sync$/, '');
    const kind = KINDS[base];
    if (kind === undefined && WRITES.test(base)) return undefined;
    return function (this: unknown, ...args) {
      if (kind !== undefined) note(name, kind, args);
      else if (!isOwn) blind ??= `${name} was called`;
      return plain.apply(this, args);
    };
  };
  const restore = [standInFront(fs, before), standInFront(fs.promises, before)];
  syncBuiltinESMExports();

  return {
    end() {
      for (const one of restore) one();
      syncBuiltinESMExports();
      if ((options.hasAskedBeyond ?? mayHaveAskedBeyond)()) blind ??= 'programs or servers may have been asked';
      return blind ?? { started, targets, selves, there, real };
    },
  };
}

/** Replaces every function of `module` for which `before` gives another; gives what undoes it. */
function standInFront(module: object, before: (name: string, plain: Function) => Function | undefined): () => void {
  const members = module as Record<string, Function>;
  const plains = Object.entries(members).filter(([name, one]) => typeof one === 'function' && /^[a-z]/.test(name));
  for (const [name, plain] of plains) {
    const inFront = before(name, plain);
    if (inFront === undefined) continue;
    const native = (plain as { native?: Function }).native;
    const extra = native === undefined ? {} : { native: before(name, native) };
    members[name] = Object.assign(inFront, extra);
  }
  return () => void Object.assign(members, Object.fromEntries(plains));
}

/** Absolute. Undefined: a descriptor or a handle, which was opened before; null: no string. */
function pathOf(given: unknown): string | null | undefined {
  if (typeof given === 'string') return isAbsolute(given) ? given : resolve(given);
  if (given instanceof URL) return fileURLToPath(given);
  if (Buffer.isBuffer(given as PathLike)) return null;
  return undefined;
}

function isForReading(flags: unknown): boolean {
  if (typeof flags === 'number') return (flags & 3) !== fs.constants.O_WRONLY;
  return typeof flags !== 'string' || flags.startsWith('r') || flags.includes('+');
}

function realOf(path: string, realpath: (path: string) => string): string {
  try {
    return realpath(path);
  } catch {
    return '';
  }
}

function mayHaveAskedBeyond(): boolean {
  const { moduleLoadList } = process as { moduleLoadList?: readonly string[] };
  return moduleLoadList === undefined || moduleLoadList.some((name) => BEYOND.test(name));
}
