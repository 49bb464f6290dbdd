import { spellLayerKey } from '../config/levels.ts';
import { find, type Located, type Path } from '../config/located.ts';
import { readYaml } from '../config/read-yaml.ts';
import { rangeOf } from '../config/source.ts';

/** What a path of a layer file is for; it decides where in a tree its file belongs. */
type PathUse = 'source' | 'playbook' | 'inventory' | 'secret';

/** A path as a layer file says it, with its place there. */
export interface WrittenPath {
  readonly use: PathUse;
  readonly path: string;
  /** Offsets into the text. */
  readonly start: number;
  readonly end: number;
  /** From 1. */
  readonly line: number;
}

/** All relative paths of files on this machine that a layer file names, in the order of the file. Undefined: it is no YAML map. */
export function pathsIn(name: string, text: string): WrittenPath[] | undefined {
  const source = { name, text };
  const { content } = readYaml(source, spellLayerKey, { lastWins: true });
  if (content?.kind !== 'map') return undefined;
  const found = new Map<number, WrittenPath>();
  const add = (use: PathUse, place: Located | undefined): void => {
    for (const item of place?.kind === 'list' ? place.items : [place]) {
      if (item?.kind !== 'scalar' || typeof item.value !== 'string' || !isRelative(item.value)) continue;
      const { start, end } = item.span;
      // An alias stands elsewhere too: what is written at its place is not a path.
      if (text.charAt(start) === '*' || found.has(start)) continue;
      found.set(start, { use, path: item.value.trim(), start, end, line: rangeOf(source, item.span).line });
    }
  };
  const each = (list: string, use: PathUse, key: string): void => {
    const entries = find(content, [list]);
    const count = entries?.kind === 'list' ? entries.items.length : 0;
    for (let at = 0; at < count; at += 1) add(use, find(content, [list, at, key] satisfies Path));
  };
  add('playbook', find(content, ['options', 'playbooks']));
  add('inventory', find(content, ['options', 'inventory']));
  add('secret', find(content, ['options', 'ansible_vault_password_file']));
  each('copyfiles', 'source', 'src');
  each('repos', 'source', 'gpg');
  each('exclusive_repos', 'source', 'gpg');
  return [...found.values()].toSorted((one, other) => one.start - other.start);
}

/** Not a URL, not a list of hosts, not from the root. */
function isRelative(path: string): boolean {
  return path.trim() !== '' && !/^(\/|[a-z]+:\/\/)/i.test(path.trim()) && !path.includes(',');
}

/** The text with other paths at those places; comments and everything else stay. */
export function withPaths(text: string, changes: readonly (WrittenPath & { readonly instead: string })[]): string {
  return changes
    .toSorted((one, other) => other.start - one.start)
    .reduce(
      (here, { start, end, instead }) => here.slice(0, start) + written(here, start, instead) + here.slice(end),
      text,
    );
}

/** In the quotes that it had. */
function written(text: string, start: number, path: string): string {
  const quote = text.charAt(start);
  if (quote === '"') return JSON.stringify(path);
  return quote === "'" || !/^[\w./-]+$/.test(path) ? `'${path.replaceAll("'", "''")}'` : path;
}
