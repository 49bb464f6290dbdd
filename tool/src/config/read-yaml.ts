import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar as YamlScalar,
} from 'yaml';
import type { Diagnostic } from './diagnostic.ts';
import type { Located, Path, Scalar } from './located.ts';
import { rangeOf, type SourceFile, type Span } from './source.ts';
import { MAXIMAL_DEPTH, tooDeepAt } from './yaml-depth.ts';
import { plainScalar } from './yaml-scalar.ts';

/** A layer file is some kilobytes; what is longer than this many characters is none. */
export const MAXIMAL_LENGTH = 1024 * 1024;
/** Nodes that aliases may add. */
const MAXIMAL_ALIASED = 10_000;

interface Reading {
  readonly source: SourceFile;
  readonly spell: (path: Path, key: string) => string;
  readonly diagnostics: Diagnostic[];
  readonly anchors: Map<string, Node>;
  /** As PyYAML does it: of a key that is given twice the last one counts, with a warning. */
  readonly lastWins: boolean;
  /** Aliases being followed, to notice one that holds itself. */
  readonly following: Set<Node>;
  aliased: number;
}

/** A file that is refused as a whole: its diagnostics are complete already. */
class Refused extends Error {}

/**
 * Reads one YAML document.
 * @param spell the key's own spelling for a spelling in the file (`publish-s3` → `publish_s3`)
 * @returns the content with places, undefined for an empty or unreadable file; never throws
 */
export function readYaml(
  source: SourceFile,
  spell: Reading['spell'],
  { lastWins = false }: { readonly lastWins?: boolean } = {},
): { content: Located | undefined; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [];
  const reading: Reading = {
    source,
    spell,
    diagnostics,
    anchors: new Map(),
    lastWins,
    following: new Set(),
    aliased: 0,
  };
  try {
    const document = compose(reading);
    const content = document.contents === null ? undefined : located(reading, document.contents, []);
    return { content, diagnostics };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { content: undefined, diagnostics };
  }
}

function compose(reading: Reading): Document.Parsed {
  const { source } = reading;
  if (source.text.length > MAXIMAL_LENGTH) {
    refuse(reading, 'yaml-limit', { start: 0, end: 0 }, `The file has more than ${MAXIMAL_LENGTH} characters`);
  }
  const deep = tooDeepAt(source.text);
  if (deep !== -1) tooDeep(reading, { start: deep, end: deep + 1 });
  const document = parseDocument(source.text, { uniqueKeys: false, prettyErrors: false, logLevel: 'silent' });
  for (const error of [...document.errors, ...document.warnings]) {
    const [start, end] = error.pos;
    const message = `Not valid YAML: ${firstLetterDown(error.message)}`;
    report(reading, 'yaml-syntax', { start, end }, message, tabHint(error.code));
  }
  if (reading.diagnostics.length > 0) throw new Refused();
  return document;
}

function located(reading: Reading, node: Node, path: Path): Located {
  const { source } = reading;
  if (path.length > MAXIMAL_DEPTH) tooDeep(reading, spanOf(node));
  if (reading.following.size > 0 && ++reading.aliased > MAXIMAL_ALIASED) {
    refuse(reading, 'yaml-limit', spanOf(node), `Aliases repeat more than ${MAXIMAL_ALIASED} values`);
  }
  if (isAlias(node)) return followed(reading, node.source, spanOf(node), path);
  if (node.anchor !== undefined && reading.following.size === 0) reading.anchors.set(node.anchor, node);
  const span = spanOf(node);
  if (isMap(node))
    return { source, span, kind: 'map', entries: entriesOf(reading, node.items as Pair<Node, Node | null>[], path) };
  if (isSeq(node)) {
    const items = node.items.map((item, index) => located(reading, item as Node, [...path, index]));
    return { source, span, kind: 'list', items };
  }
  const scalar = node as YamlScalar;
  const plain = scalar.type === 'PLAIN' && scalar.tag === undefined;
  const text = plain ? (scalar.source ?? '') : String(scalar.value ?? scalar.source ?? '');
  return { source, span, kind: 'scalar', plain, text, value: plain ? plainScalar(text) : (scalar.value as Scalar) };
}

/** Not by `alias.resolve()`, which walks the whole document for each alias. */
function followed(reading: Reading, anchor: string, span: Span, path: Path): Located {
  const target = reading.anchors.get(anchor);
  if (target === undefined)
    refuse(reading, 'yaml-syntax', span, `Not valid YAML: there is no anchor &${anchor} before this alias`);
  if (reading.following.has(target))
    refuse(reading, 'yaml-limit', span, `The alias *${anchor} stands within its own anchor`);
  if (reading.following.size >= MAXIMAL_DEPTH) tooDeep(reading, span);
  reading.following.add(target);
  try {
    return located(reading, target, path);
  } finally {
    reading.following.delete(target);
  }
}

function entriesOf(reading: Reading, pairs: readonly Pair<Node, Node | null>[], path: Path): Map<string, Located> {
  const entries = new Map<string, Located>();
  const merged: Located[] = [];
  for (const pair of pairs) {
    const keyNode = pair.key;
    if (!isScalar(keyNode))
      refuse(reading, 'yaml-syntax', spanOf(keyNode), 'Not valid here: a key must be a single word');
    const span = spanOf(keyNode);
    const text = keyNode.type === 'PLAIN' ? (keyNode.source ?? '') : String(keyNode.value);
    const key = { span, text };
    if (text === '<<' && keyNode.type === 'PLAIN') {
      if (pair.value !== null) merged.push(located(reading, pair.value, path));
      continue;
    }
    const name = reading.spell(path, text);
    const value: Located =
      pair.value === null
        ? { source: reading.source, span, kind: 'scalar', plain: true, text: '', value: null }
        : located(reading, pair.value, [...path, name]);
    const first = entries.get(name);
    if (first === undefined || reading.lastWins) entries.set(name, { ...value, key });
    if (first !== undefined) duplicate(reading, key, first);
  }
  for (const source of merged.flatMap((one) => (one.kind === 'list' ? one.items : [one]))) {
    if (source.kind !== 'map') refuse(reading, 'yaml-syntax', source.span, 'Not valid YAML: `<<` merges maps only');
    for (const [name, value] of source.entries) if (!entries.has(name)) entries.set(name, value);
  }
  return entries;
}

function duplicate(reading: Reading, key: { span: Span; text: string }, first: Located): void {
  const before = first.key ?? { span: first.span, text: key.text };
  const message =
    before.text === key.text
      ? `\`${key.text}\` is given twice`
      : `\`${key.text}\` and \`${before.text}\` are one key, given twice`;
  reading.diagnostics.push({
    severity: reading.lastWins ? 'warning' : 'error',
    code: 'duplicate-key',
    message: reading.lastWins ? `${message}; the second counts` : message,
    file: reading.source.name,
    range: rangeOf(reading.source, key.span),
    hint: 'keep one of the two',
    related: [{ file: reading.source.name, range: rangeOf(reading.source, before.span), message: 'first given here' }],
  });
}

function tooDeep(reading: Reading, span: Span): never {
  return refuse(reading, 'yaml-limit', span, `Nested more than ${MAXIMAL_DEPTH} levels deep`);
}

function refuse(reading: Reading, code: string, span: Span, message: string): never {
  report(reading, code, span, message);
  throw new Refused();
}

function report(reading: Reading, code: string, span: Span, message: string, hint?: string): void {
  const { source } = reading;
  const place = { file: source.name, range: rangeOf(source, span) };
  reading.diagnostics.push({ severity: 'error', code, message, ...place, ...(hint === undefined ? {} : { hint }) });
}

function spanOf(node: Node): Span {
  const [start, end] = node.range ?? [0, 0];
  return { start, end };
}

function tabHint(code: string): string | undefined {
  return code === 'TAB_AS_INDENT' ? 'indent with spaces' : undefined;
}

function firstLetterDown(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1).replace(/\s+$/, '');
}
