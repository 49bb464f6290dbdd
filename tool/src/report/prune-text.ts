import type { Prunable, PruneChoice, PruneKind } from '../plan/prune.ts';
import { count, formatBytes } from './format.ts';

/** What was, or would be, taken away of one place. */
export interface PruneReport {
  readonly isDry: boolean;
  readonly items: readonly Prunable[];
  /** Without what is left. */
  readonly choice: PruneChoice;
  readonly left: readonly { readonly item: Prunable; readonly why: string }[];
  readonly maxBytes?: number;
}

const NOUNS: Readonly<Record<PruneKind, string>> = {
  image: 'image',
  checkpoint: 'checkpoint',
  memory: 'remembered build or input set',
  failed: 'failed build',
  run: 'run with its logs',
  packages: 'downloaded file',
  temporary: 'temporary folder',
  'shared-build': 'build',
  'shared-recipe': 'recipe',
  'shared-sets': 'list of input sets',
};
const PLURALS: Readonly<Partial<Record<PruneKind, string>>> = {
  memory: 'remembered builds and input sets',
  run: 'runs with their logs',
  'shared-sets': 'lists of input sets',
};

/** A line a kind, and the sum. With `isVerbose` a line a thing before: what goes, and what stays why. Pure. */
export function pruneLines(report: PruneReport, isVerbose: boolean): string[] {
  const { choice, items, isDry, left, maxBytes } = report;
  const { remove, before, after, freed } = choice;
  const lines: string[] = [];
  if (isVerbose) {
    const gone = new Set(remove);
    const whyLeft = new Map(left.map(({ item, why }) => [item, why]));
    for (const item of items) {
      const why = item.needed ?? whyLeft.get(item) ?? 'not old enough, or it fits';
      lines.push(gone.has(item) ? `goes   ${item.text}` : `stays  ${item.text}: ${why}`);
    }
  }
  const kinds = Object.keys(NOUNS) as PruneKind[];
  for (const kind of kinds) {
    const number = remove.filter((item) => item.kind === kind).length;
    if (number === 0) continue;
    lines.push(
      `${nounOf(kind, number)}: ${formatBytes(freed.get(kind) ?? 0)} of ${nounOf(kind, items.filter((item) => item.kind === kind).length)}`,
    );
  }
  lines.push(...leftLines(left));
  const verb = isDry ? 'would free' : 'freed';
  if (remove.length === 0 && left.length > 0) lines.push(`freed nothing: ${formatBytes(before)} are there`);
  else if (remove.length === 0) lines.push(`nothing to prune: ${formatBytes(before)} are needed or too young to go`);
  else
    lines.push(
      `${verb} ${formatBytes(before - after)} (${before - after} bytes): ${formatBytes(before)} before, ${formatBytes(after)} after`,
    );
  if (maxBytes !== undefined && after > maxBytes) {
    lines.push(`what is needed takes more than --max-size ${formatBytes(maxBytes)}: it stays`);
  }
  return lines;
}

/** A reason that several have is said once. */
function leftLines(left: PruneReport['left']): string[] {
  return [...Map.groupBy(left, ({ why }) => why)].map(([why, all]) => {
    const [{ item }] = all as [(typeof all)[number]];
    if (all.length === 1) return `left: ${item.text}: ${why}`;
    const kinds = Map.groupBy(all, (one) => one.item.kind);
    return `left: ${[...kinds].map(([kind, { length }]) => nounOf(kind, length)).join(', ')}: ${why}`;
  });
}

/** One document: every thing with its bytes, and why it stays. Pure. */
export function pruneJson({ choice, items, isDry, left }: PruneReport): Readonly<Record<string, unknown>> {
  const gone = new Set(choice.remove);
  return {
    version: 1,
    dryRun: isDry,
    bytesBefore: choice.before,
    bytesAfter: choice.after,
    kinds: Object.fromEntries([...choice.freed].map(([kind, bytes]) => [kind, { bytes }])),
    items: items.map((item) => ({
      kind: item.kind,
      id: item.id,
      text: item.text,
      usedAt: new Date(item.usedAt).toISOString(),
      removed: gone.has(item),
      ...(item.needed !== undefined && { needed: item.needed }),
    })),
    left: left.map(({ item, why }) => ({ kind: item.kind, id: item.id, why })),
  };
}

function nounOf(kind: PruneKind, number: number): string {
  const plural = PLURALS[kind];
  return number !== 1 && plural !== undefined
    ? `${number.toLocaleString('en-US')} ${plural}`
    : count(number, NOUNS[kind]);
}
