import { COMMANDS, COMMON, type CommandEntry, type OptionHelp } from './catalogue.ts';

/** The help of the program: every command in a line. */
export function programHelp(): string {
  const width = Math.max(...Object.values(COMMANDS).map((entry) => entry.usage.length));
  const lines = Object.values(COMMANDS).map((entry) => `  layers ${entry.usage.padEnd(width)}  ${entry.summary}`);
  return [
    'Builds every OS image of a tree of layer files, doing only the work that something changed makes necessary.',
    '',
    ...lines,
    '',
    'Options of every command:',
    ...optionLines(COMMON),
    '',
    "'layers COMMAND --help' tells the options of one command. A SELECTOR is a name, id, path or glob;",
    "'X...' adds what X stands on (a plain name does so by itself), '...X' what stands on it.",
    'Exit: 0 done, 1 a build or a publication failed, 2 the command line or a file is wrong,',
    '129, 130, 141 or 143 ended by SIGHUP, SIGINT, SIGPIPE (nobody reads its output any more) or SIGTERM.',
    '',
  ].join('\n');
}

/** The help of one command. */
export function commandHelp(entry: CommandEntry): string {
  const own = Object.keys(entry.options).length === 0 ? [] : ['', 'Options:', ...optionLines(entry.options)];
  const heading = [`layers ${entry.usage}`, '', `  ${entry.summary}`];
  return [...heading, ...own, '', 'Common options:', ...optionLines(COMMON), ''].join('\n');
}

function optionLines(options: Readonly<Record<string, OptionHelp>>): string[] {
  const named = Object.entries(options).map(([name, option]) => {
    const short = option.short === undefined ? '' : `-${option.short}, `;
    const value = option.value === undefined ? '' : ` ${option.value}`;
    return [`${short}--${name}${value}`, option.help] as const;
  });
  const width = Math.max(...named.map(([left]) => left.length));
  return named.map(([left, help]) => `  ${left.padEnd(width)}  ${help}`);
}
