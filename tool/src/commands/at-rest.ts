import { readFileSync, realpathSync } from 'node:fs';
import { type PathState, stateOfItself, stateOfTarget } from '../system/path-state.ts';

/**
 * What a build that had nothing to do looked at, and the answers it got: as long as they are the same there is nothing to do. Kept in
 * `<state>/cache/at-rest.json`.
 */
export interface AtRest {
  readonly version: 1;
  /** What decides besides files and environment (`at-rest-question.ts`). */
  readonly key: string;
  /** Variables that a layer counts although they usually say nothing but where a shell runs. */
  readonly counted: readonly string[];
  /** Digest of the environment. */
  readonly environment: string;
  /** From then on (ms since the epoch) a layer is to be built again for its age. */
  readonly until: number | null;
  readonly count: number;
  /** As the build printed them. */
  readonly warnings: readonly string[];
  /** Links followed. */
  readonly targets: PackedStates;
  /** Links not followed. */
  readonly selves: PackedStates;
  /** Paths that exist. */
  readonly there: readonly string[];
  /** Paths that do not, not even as links to nothing. */
  readonly absent: readonly string[];
  /** Path → what it is with all links resolved; '' where that is an error. */
  readonly real: Readonly<Record<string, string>>;
}

/** As thousands of them are read at every start, without a number that has to be parsed. */
export interface PackedStates {
  readonly paths: readonly string[];
  /** The six numbers of each path as doubles, in base64. */
  readonly states: string;
}

const WIDTH = 6;

/** Undefined where there is none, or one of another version, or a damaged one. Never throws. */
export function readAtRest(file: string): AtRest | undefined {
  try {
    const read = JSON.parse(readFileSync(file, 'utf8')) as AtRest;
    return read.version === 1 && [read.targets.paths, read.selves.paths, read.there, read.absent].every(Array.isArray)
      ? read
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether every look would get the answer that it got then. May throw on a damaged file. */
export function isStillAtRest(was: AtRest): boolean {
  return (
    areSame(was.targets, stateOfTarget) &&
    areSame(was.selves, stateOfItself) &&
    was.there.every((path) => stateOfTarget(path)[1] !== 0) &&
    was.absent.every((path) => stateOfItself(path).every((number) => number === 0)) &&
    Object.entries(was.real).every(([path, real]) => realOf(path) === real)
  );
}

export function pack(states: ReadonlyMap<string, PathState>): PackedStates {
  const numbers = Float64Array.from([...states.values()].flat());
  return { paths: [...states.keys()], states: Buffer.from(numbers.buffer).toString('base64') };
}

function areSame({ paths, states }: PackedStates, stateOf: (path: string) => PathState): boolean {
  const bytes = Buffer.from(states, 'base64');
  const numbers = new Float64Array(new Uint8Array(bytes).buffer);
  if (numbers.length !== paths.length * WIDTH) return false;
  return paths.every((path, index) => {
    const now = stateOf(path);
    for (let part = 0; part < WIDTH; part += 1) if (now[part] !== numbers[index * WIDTH + part]) return false;
    return true;
  });
}

function realOf(path: string): string {
  try {
    return realpathSync.native(path);
  } catch {
    return '';
  }
}
