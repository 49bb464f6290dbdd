import { isReserved } from '../config/dnf-reserved.ts';
import type { Layer } from '../config/layer.ts';
import { BuildFailure } from './builder.ts';

type Settings = Readonly<Record<string, string>>;

/** `key=value` words of `dnf_options`. Throws BuildFailure for what is none, or is not the layer's to set. */
export function dnfOptions(words: readonly string[]): Settings {
  const entries = words.map((word) => {
    const [, name, value] = /^([A-Za-z_]+)=(.*)$/s.exec(word) ?? [];
    if (name === undefined || value === undefined || /[\r\n]/.test(value)) {
      throw new BuildFailure(`dnf_options: ${JSON.stringify(word.replace(/=.*/s, '=…'))} is not key=value`);
    }
    if (isReserved(name)) throw new BuildFailure(`dnf_options: ${name} is set by layers itself`);
    return [name, value] as const;
  });
  return Object.fromEntries(entries);
}

/** What the layer says about signatures, for the repositories that it inherits and for texts that it gives whole. Pure. */
export function checkOverride({ options }: Layer): string[] {
  if (options.gpgcheck === false) return ['--setopt=*.gpgcheck=0'];
  return options.gpgcheck === 'strict' ? ['--setopt=*.gpgcheck=1'] : [];
}

/** The text of a dnf.conf with `settings` under `[main]`, in place of what it says about the same. */
export function withSettings(conf: string, settings: Settings): string {
  const lines = conf.split('\n');
  const main = lines.findIndex((line) => line.trim() === '[main]');
  const before = main === -1 ? [] : lines.slice(0, main);
  const rest = main === -1 ? [] : lines.slice(main + 1);
  const next = rest.findIndex((line) => line.trim().startsWith('['));
  const [own, others] = next === -1 ? [rest, []] : [rest.slice(0, next), rest.slice(next)];
  const added = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  return [...before, '[main]', ...added, ...without(own, settings), ...others, ''].join('\n');
}

/** The text of a dnf.conf without settings of these names. */
export function withoutSettings(conf: string, names: readonly string[]): string {
  return without(conf.split('\n'), Object.fromEntries(names.map((name) => [name, '']))).join('\n');
}

/** Lines but those that set one of `settings`, and what continues them. */
function without(lines: readonly string[], settings: Settings): string[] {
  let isDropped = false;
  return lines.filter((line) => {
    if (!/^\s/.test(line)) isDropped = (/^([A-Za-z_]+)\s*=/.exec(line)?.[1] ?? '') in settings;
    return !isDropped && line.trim() !== '';
  });
}
