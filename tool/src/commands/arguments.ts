import { parseArgs } from 'node:util';
import { InvalidInput } from '../config/diagnostic.ts';
import { nearest } from '../config/nearest.ts';
import { COMMANDS, COMMON, type CommandEntry, type OptionHelp } from './catalogue.ts';

export interface ParsedCommand {
  readonly name: string;
  readonly entry: CommandEntry;
  readonly values: Readonly<Record<string, string | boolean | string[] | undefined>>;
  readonly positionals: readonly string[];
}

/** Reads argv (without the program). Undefined: no command, so help is wanted. Throws InvalidInput, naming what is nearest. */
export function parseArguments(argv: readonly string[]): ParsedCommand | undefined {
  const [word, about, ...rest] = argv;
  if (word === 'help' && rest.length === 0) return about === undefined ? undefined : parseArguments([about, '--help']);
  const name = commandIn(argv);
  if (name === undefined) {
    const [first] = argv;
    if (first === undefined || first === '--help' || first === '-h') return undefined;
    throw new InvalidInput(`no command in: layers ${argv.join(' ')}`, { hint: "'layers --help' lists the commands" });
  }
  const entry = COMMANDS[name];
  if (entry === undefined) {
    const close = nearest(name, Object.keys(COMMANDS));
    const hint = close === undefined ? "'layers --help' lists the commands" : `did you mean '${close}'?`;
    throw new InvalidInput(`there is no command '${name}'`, { hint });
  }
  const options: Record<string, OptionHelp> = { ...entry.options, ...COMMON };
  const { tokens } = parseArgs({
    args: withEmptyValues(argv, options),
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values: Record<string, string | boolean | string[]> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const option = options[token.name];
    if (option === undefined) throw unknownOption(name, token.rawName, options);
    const value = readValue(token, option);
    if (option.multiple === true) values[token.name] = [...((values[token.name] as string[]) ?? []), value as string];
    else values[token.name] = value;
  }
  positionals.splice(positionals.indexOf(name), 1);
  if (entry.positionals !== undefined && positionals.length > entry.positionals && values.help !== true) {
    const extra = positionals[entry.positionals];
    throw new InvalidInput(`'layers ${name}' does not take '${extra}'`, { hint: `usage: layers ${entry.usage}` });
  }
  return { name, entry, values, positionals };
}

/** `--affected --json`: an option whose value may be left out does not take the next option for it. */
function withEmptyValues(argv: readonly string[], options: Readonly<Record<string, OptionHelp>>): string[] {
  return argv.map((word, index) => {
    const isBare = options[word.slice(2)]?.optional === true && word.startsWith('--');
    return isBare && (argv[index + 1] ?? '-').startsWith('-') ? `${word}=` : word;
  });
}

/** The first word that is neither an option nor a common option's value. */
function commandIn(argv: readonly string[]): string | undefined {
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    if (!word.startsWith('-')) return word;
    if (COMMON[word.slice(2)]?.type === 'string') index += 1;
  }
  return undefined;
}

type Token = {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
};

function readValue(token: Token, option: OptionHelp): string | boolean {
  const { rawName, value } = token;
  if (option.type === 'boolean') {
    if (token.inlineValue === true) throw new InvalidInput(`${rawName} takes no value`);
    return true;
  }
  if (value === undefined || (token.inlineValue !== true && value.startsWith('-'))) {
    throw new InvalidInput(`${rawName} needs a value: ${option.help}`);
  }
  if (option.among !== undefined && !option.among.includes(value)) {
    throw new InvalidInput(`${rawName} ${value}: it takes ${option.among.join(', ')}`);
  }
  return value;
}

function unknownOption(command: string, rawName: string, options: Readonly<Record<string, OptionHelp>>): InvalidInput {
  const close = nearest(rawName.replace(/^-+/, ''), Object.keys(options));
  const hint = close === undefined ? `'layers ${command} --help' lists its options` : `did you mean '--${close}'?`;
  return new InvalidInput(`'layers ${command}' has no option '${rawName}'`, { hint });
}
