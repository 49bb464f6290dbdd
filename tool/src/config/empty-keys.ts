import type { Diagnostic } from './diagnostic.ts';
import { isEmpty, type Located, type Path } from './located.ts';
import { problemAt } from './report.ts';

/** Labels and variables are text, whatever YAML makes of them. */
export function keepsText(path: Path): boolean {
  if (path.length !== 3) return false;
  return (path[0] === 'options' && path[1] === 'labels') || (path[0] === 'image_config' && path[1] === 'env');
}

/** The values of `vars`, `labels` and `env` are the user's own, and so are lists of words: empty is a value there. */
function isFree(path: Path): boolean {
  return path.length > 2 ? path[0] === 'options' || path[0] === 'image_config' : isEmptyArgv(path);
}

/** `cmd: []` takes the parent's away. */
function isEmptyArgv([top, key]: Path): boolean {
  return top === 'image_config' && (key === 'entrypoint' || key === 'cmd');
}

/** `packages:` with nothing after it: not a problem, but seldom what was meant. */
export function emptyKeys(own: Located, path: Path = []): Diagnostic[] {
  if (isFree(path) || own.kind === 'scalar') return [];
  if (own.kind === 'list') return own.items.flatMap((item, index) => emptyKeys(item, [...path, index]));
  return [...own.entries].flatMap(([key, value]) => {
    const inner = [...path, key];
    if (isFree(inner) || !isEmpty(value)) return emptyKeys(value, inner);
    const message = `\`${value.key?.text ?? key}\` is empty and counts as not given`;
    return [
      problemAt(
        value,
        { severity: 'warning', code: 'empty-key', message, hint: 'remove the key, or give it a value' },
        'key',
      ),
    ];
  });
}

/** Without the keys that `emptyKeys` tells of. */
export function withoutEmpty(located: Located, path: Path = []): Located {
  if (isFree(path) || located.kind === 'scalar') return located;
  if (located.kind === 'list') {
    return { ...located, items: located.items.map((item, index) => withoutEmpty(item, [...path, index])) };
  }
  const kept = [...located.entries].filter(([key, value]) => isFree([...path, key]) || !isEmpty(value));
  return { ...located, entries: new Map(kept.map(([key, value]) => [key, withoutEmpty(value, [...path, key])])) };
}
