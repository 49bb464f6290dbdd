import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** A build that may be answered by what an earlier one found. */
export interface RestQuestion {
  /** Equal for builds that are asked the same. */
  readonly key: string;
  /** `--state`, else what the tree says. A wrong guess only finds nothing. Absolute. */
  readonly stateDir: string;
}

/** Options that change what is built or said, and nothing of what is asked outside; any other makes a build look for itself. */
const FLAGS = new Set(['--all', '--only', '--keep-going', '-k', '--keep-failed', '--no-publish']);
const VALUED = /^(--exclude|--root|--state|--jobs|-j|--log-level|--lock|--output)$/;
const INLINE = /^(--exclude|--root|--state|--jobs|--log-level|--lock|--output)=|^-j\d+$/;
/** Where a shell runs, which says nothing of an image unless a layer counts it. */
const SHELL_ONLY =
  /^(_|SHLVL|PWD|OLDPWD|COLUMNS|LINES|LS_COLORS|TERM|COLORTERM|TERM_\w+|WINDOWID|TMUX\w*|STY|SSH_(CLIENT|CONNECTION|TTY)|XDG_SESSION_ID|NODE_PATH)$/;

/** Undefined: this build looks for itself. `argv` is without the program. */
export function restQuestion(argv: readonly string[], cwd: string, env: Environment): RestQuestion | undefined {
  if (argv[0] !== 'build' || (env.CI ?? '') !== '') return undefined;
  const values: Record<string, string> = {};
  for (let at = 1; at < argv.length; at += 1) {
    const word = argv[at] as string;
    if (VALUED.test(word)) {
      at += 1;
      values[word] = argv[at] ?? '';
    } else if (INLINE.test(word)) values[word.slice(0, word.indexOf('='))] = word.slice(word.indexOf('=') + 1);
    else if (word.startsWith('-') && !FLAGS.has(word)) return undefined;
  }
  if (values['--output'] === 'json') return undefined;
  const stateDir = stateDirOf(values['--root'], values['--state'], cwd);
  if (stateDir === undefined) return undefined;
  const who = [process.geteuid?.() ?? null, process.getegid?.() ?? null, process.getgroups?.() ?? null];
  return { key: JSON.stringify([argv, cwd, process.version, process.arch, ...who]), stateDir };
}

/** Of all variables but those of the shell; `counted` are of interest all the same. Not to be turned back into their values. */
export function environmentDigest(env: Environment, counted: readonly string[]): string {
  const names = Object.keys(env).filter((name) => !SHELL_ONLY.test(name) || counted.includes(name));
  return digest(names.sort().flatMap((name) => [name, env[name]]));
}

/** Those of `names` that only count when a layer says so. */
export function countedAlthoughShell(names: Iterable<string>): string[] {
  return [...new Set(names)].filter((name) => SHELL_ONLY.test(name)).sort();
}

/** The state folder without a YAML parser; undefined where layers.yaml does not tell it in a way that can be seen so. */
function stateInText(settingsText: string | null): string | undefined {
  return /^[ \t]+state:[ \t]+["']?([^"'#\s]+)/m.exec(settingsText ?? '')?.[1];
}

function stateDirOf(root: string | undefined, state: string | undefined, cwd: string): string | undefined {
  if (state !== undefined) return resolve(cwd, state);
  const folder = root === undefined ? rootAbove(cwd) : resolve(cwd, root);
  if (folder === undefined) return undefined;
  return join(folder, stateInText(textOf(join(folder, 'layers.yaml'))) ?? '.layers');
}

function rootAbove(cwd: string): string | undefined {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'layers.yaml')) || existsSync(join(folder, 'layers'))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

function textOf(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

/** 106 bits without node:crypto, which takes longer to load than all of this. Nobody but the user chooses the text. */
function digest(value: unknown): string {
  const text = JSON.stringify(value);
  return cyrb53(text, 0) + cyrb53(text, 0x9e3779b9);
}

/** https://github.com/bryc/code/blob/master/jshash/experimental/cyrb53.js (public domain): two multiplicative hashes, mixed. */
function cyrb53(text: string, seed: number): string {
  let one = 0xdeadbeef ^ seed;
  let other = 0x41c6ce57 ^ seed;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    one = Math.imul(one ^ code, 2654435761);
    other = Math.imul(other ^ code, 1597334677);
  }
  one = Math.imul(one ^ (one >>> 16), 2246822507) ^ Math.imul(other ^ (other >>> 13), 3266489909);
  other = Math.imul(other ^ (other >>> 16), 2246822507) ^ Math.imul(one ^ (one >>> 13), 3266489909);
  return (4294967296 * (2097151 & other) + (one >>> 0)).toString(16).padStart(14, '0');
}
