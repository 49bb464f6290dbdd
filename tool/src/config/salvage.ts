import type { z } from 'zod';
import type { Located, Path } from './located.ts';

/** Keys that hold entries: one bad entry goes, the others stay. */
const MEMBERS = new Set(['options', 'image_config', 'repos', 'exclusive_repos', 'copyfiles', 'cmds', 'openscap']);

/** The file without what the schema refused, so that the rest can be checked. A layer type that is none becomes `base`. */
export function salvage(root: Located, issues: readonly z.core.$ZodIssue[]): Located {
  const refused = new Set<string>();
  for (const issue of issues) {
    const path = issue.path as Path;
    if (issue.code === 'unrecognized_keys') for (const key of issue.keys) refused.add(JSON.stringify([...path, key]));
    else refused.add(JSON.stringify(path.slice(0, MEMBERS.has(String(path[0])) ? 2 : 1)));
  }
  const rest = without(root, refused, []);
  return refused.has('["options","layer_type"]') ? withType(rest) : rest;
}

function without(located: Located, refused: ReadonlySet<string>, path: Path): Located {
  const stays = (step: string | number) => !refused.has(JSON.stringify([...path, step]));
  if (located.kind === 'map') {
    const kept = [...located.entries].filter(([key]) => stays(key));
    return { ...located, entries: new Map(kept.map(([key, value]) => [key, without(value, refused, [...path, key])])) };
  }
  if (located.kind === 'list') {
    const items = located.items.map((item, index) => without(item, refused, [...path, index]));
    return { ...located, items: items.filter((_, index) => stays(index)) };
  }
  return located;
}

function withType(root: Located): Located {
  const options = root.kind === 'map' ? root.entries.get('options') : undefined;
  if (root.kind !== 'map' || options?.kind !== 'map') return root;
  const { source, span } = options;
  const type: Located = { source, span, kind: 'scalar', plain: true, text: 'base', value: 'base' };
  return {
    ...root,
    entries: new Map(root.entries).set('options', {
      ...options,
      entries: new Map(options.entries).set('layer_type', type),
    }),
  };
}
