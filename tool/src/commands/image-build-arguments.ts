import { InvalidInput } from '../config/diagnostic.ts';
import { booleanOf } from '../config/lenient-values.ts';
import type { Located, Scalar } from '../config/located.ts';
import { nearest } from '../config/nearest.ts';
import { OPTION_KEYS } from '../config/option-keys.ts';
import type { SourceFile } from '../config/source.ts';

type LocatedMap = Located & { readonly kind: 'map' };
type OptionKey = keyof typeof OPTION_KEYS;

/** How a flag takes its values: none, one, one that says yes or no, as many as follow, or `KEY=VALUE` as many as follow. */
type Shape = 'set' | 'one' | 'truth' | 'many' | 'words' | 'pairs';

const SHAPES: Readonly<Partial<Record<OptionKey, Shape>>> = {
  publish_local: 'set',
  install_scap: 'set',
  scap_benchmark: 'set',
  oval_eval: 'set',
  gpgcheck: 'truth',
  force_installroot: 'truth',
  publish_tags: 'many',
  groups: 'many',
  playbooks: 'many',
  inventory: 'many',
  architectures: 'many',
  registry_opts_push: 'words',
  registry_opts_pull: 'words',
  dnf_options: 'words',
  vars: 'pairs',
};

interface Flag {
  readonly name: string;
  readonly shape: Shape;
  /** The key of a layer file that it stands for; flags of the program itself have none. */
  readonly key?: OptionKey;
}

/** Every flag, those of layer files by the schema's own table. */
export const FLAGS: ReadonlyMap<string, Flag> = new Map(
  [
    { name: '--config', shape: 'one' as const },
    { name: '--repo', shape: 'one' as const },
    { name: '--help', shape: 'set' as const },
    ...Object.entries(OPTION_KEYS).flatMap(([key, facts]) => {
      if (!('flag' in facts)) return [];
      return [{ name: facts.flag, shape: SHAPES[key as OptionKey] ?? 'one', key: key as OptionKey }];
    }),
  ].map((flag) => [flag.name, flag]),
);

export interface ImageBuildArguments {
  /** As given; undefined with `isHelp`. */
  readonly config?: string;
  readonly isHelp: boolean;
  /** Options of a layer file, to beat the file's. */
  readonly flags: LocatedMap;
  /** What was given and has no effect. */
  readonly ignored: readonly string[];
}

/**
 * Reads argv (without the program) as Python's argparse does: `--opt VALUE`, `--opt=VALUE`, any beginning of a flag that is one flag's
 * only, lists up to the next flag, of a repeated flag the last. Throws InvalidInput.
 */
export function parseImageBuild(argv: readonly string[]): ImageBuildArguments {
  const source: SourceFile = { name: 'the command line', text: argv.join(' ') };
  const given = new Map<Flag, string[]>();
  const isHelp = argv.includes('-h') || argv.includes('--help');
  for (let at = 0; at < argv.length && !isHelp; ) {
    const word = argv[at] as string;
    const named = flagOf(word);
    if (named === undefined) throw unknown(word);
    at += 1;
    const values = named.value === undefined ? [] : [named.value];
    const { flag } = named;
    const most = named.value !== undefined || flag.shape === 'set' ? 0 : mostOf(flag);
    while (values.length < most && at < argv.length && isValue(argv[at] as string, flag)) {
      values.push(argv[at] as string);
      at += 1;
    }
    if (flag.shape !== 'set' && values.length === 0) {
      throw new InvalidInput(`${flag.name} needs a value`, { hint: dashHint(argv[at], flag) });
    }
    given.set(flag, values);
  }
  const config = given.get(FLAGS.get('--config') as Flag)?.[0];
  if (config === undefined && !isHelp) {
    throw new InvalidInput('--config FILE is missing', { hint: "'image-build --help' lists the flags" });
  }
  const entries = new Map<string, Located>();
  for (const [flag, values] of given) if (flag.key !== undefined) entries.set(flag.key, located(flag, values, source));
  const flags: LocatedMap = { source, span: { start: 0, end: source.text.length }, kind: 'map', entries };
  const ignored = [...given.keys()].filter(({ name }) => name === '--repo').map(({ name }) => name);
  return { isHelp, flags, ignored, ...(config === undefined ? {} : { config }) };
}

function mostOf({ shape }: Flag): number {
  return shape === 'one' || shape === 'truth' ? 1 : Number.POSITIVE_INFINITY;
}

/** A flag by its name or a beginning of it. */
function flagOf(word: string): { readonly flag: Flag; readonly value?: string } | undefined {
  if (!word.startsWith('--') || word === '--') return undefined;
  const equals = word.indexOf('=');
  const name = equals === -1 ? word : word.slice(0, equals);
  const value = equals === -1 ? {} : { value: word.slice(equals + 1) };
  const exact = FLAGS.get(name);
  if (exact !== undefined) return { flag: exact, ...value };
  const near = [...FLAGS.values()].filter((flag) => flag.name.startsWith(name));
  if (near.length > 1) {
    throw new InvalidInput(`${name} may be any of ${near.map((flag) => flag.name).join(', ')}`);
  }
  return near[0] === undefined ? undefined : { flag: near[0], ...value };
}

/** A word with a space in it is none of our flags; and what goes to buildah or dnf may begin with a dash. */
function isValue(word: string, flag: Flag): boolean {
  if (!word.startsWith('-') || word === '-' || /^-\d+(\.\d*)?$/.test(word)) return true;
  if (word === '-h' || word === '--') return false;
  const isOurs = flagOf(word.split(' ', 1)[0] as string) !== undefined;
  return !isOurs && (word.includes(' ') || flag.shape === 'words');
}

function located({ name, shape }: Flag, values: readonly string[], source: SourceFile): Located {
  const start = Math.max(0, source.text.indexOf(name));
  const span = { start, end: start + name.length };
  const key = { span, text: name };
  const scalar = (value: Scalar, text = String(value)): Located => {
    return { source, span, key, kind: 'scalar', plain: false, text, value };
  };
  const [first = ''] = values;
  switch (shape) {
    case 'set':
      return scalar(values.length === 0 || booleanOf(first));
    case 'truth':
      return scalar(first === 'strict' ? first : booleanOf(first));
    case 'one':
      return scalar(first);
    case 'pairs':
      return { source, span, key, kind: 'map', entries: new Map(values.map((pair) => pairOf(pair, name, scalar))) };
    default: {
      const words = shape === 'words' ? values.flatMap((value) => value.split(/\s+/).filter(Boolean)) : values;
      return { source, span, key, kind: 'list', items: words.map((word) => scalar(word)) };
    }
  }
}

/** Values may be secret: a wrong pair is told by its flag alone. */
function pairOf(pair: string, name: string, scalar: (value: Scalar) => Located): readonly [string, Located] {
  const equals = pair.indexOf('=');
  if (equals < 1) throw new InvalidInput(`${name} takes KEY=VALUE`, { hint: 'put quotes around a pair with spaces' });
  return [pair.slice(0, equals), scalar(pair.slice(equals + 1))];
}

function dashHint(next: string | undefined, { name }: Flag): string {
  return next?.startsWith('-') === true ? `a value that begins with a dash: ${name}=VALUE` : `${name} VALUE`;
}

function unknown(word: string): InvalidInput {
  if (!word.startsWith('-')) return new InvalidInput('there is a word that belongs to no flag', { hint: `'${word}'` });
  const name = word.replace(/=.*$/s, '');
  const close = nearest(name, FLAGS.keys());
  const hint = close === undefined ? "'image-build --help' lists the flags" : `did you mean '${close}'?`;
  return new InvalidInput(`there is no flag '${name}'`, { hint });
}

const METAVAR: Readonly<Record<Shape, string>> = {
  set: '',
  one: ' VALUE',
  truth: ' yes|no',
  many: ' VALUE…',
  words: ' WORD…',
  pairs: ' KEY=VALUE…',
};

/** Every flag in a line. */
export function imageBuildHelp(): string {
  const own: Readonly<Record<string, string>> = {
    '--config': 'Layer file (required)',
    '--repo': 'No effect; taken because image-build took it',
    '--help': 'This text',
  };
  const rows = [...FLAGS.values()].map(({ name, shape, key }) => {
    const value = name === '--config' ? ' FILE' : METAVAR[shape];
    return [`${name}${value}`, key === undefined ? own[name] : OPTION_KEYS[key].description] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    'image-build --config FILE [FLAG…]',
    '',
    'Builds one layer file and publishes it, every time. A flag beats the file.',
    '',
    ...rows.map(([left, text]) => `  ${left.padEnd(width)}  ${text}`),
    '',
    "Environment: S3_ACCESS, S3_SECRET. 'layers build' builds only what changed, and all layers of a tree.",
    'Exit: 0 done, 1 the build or a publication failed, 2 the command line or the file is wrong,',
    '129, 130, 141 or 143 ended by SIGHUP, SIGINT, SIGPIPE (nobody reads its output any more) or SIGTERM.',
    '',
  ].join('\n');
}
