import type { OutdatedLayer } from '../run/outdated.ts';
import { count } from './format.ts';
import { plainText } from './plain-text.ts';

const MOST_PACKAGES = 40;

/** What moved outside, for people: a layer a paragraph, in build order, those with nothing to say in one line. */
export function outdatedLines(layers: readonly OutdatedLayer[]): string[] {
  const lines: string[] = [];
  const isQuiet = (layer: OutdatedLayer) => !hasMoved(layer) && layer.note === undefined;
  for (const layer of layers.filter((one) => !isQuiet(one))) lines.push(layer.id, ...linesOf(layer));
  const quiet = layers.filter(isQuiet).map(({ id }) => id);
  if (quiet.length > 0) lines.push(`nothing moved: ${quiet.join(', ')}`);
  const moved = layers.filter(hasMoved).length;
  lines.push(`${count(layers.length, 'layer')}: ${moved} outdated`);
  return lines.map(plainText);
}

function hasMoved({ parent, tools, repositories }: OutdatedLayer): boolean {
  return parent !== undefined || tools !== undefined || repositories.length > 0;
}

function linesOf({ parent, tools, repositories, packages = [], note }: OutdatedLayer): string[] {
  const lines: string[] = [];
  if (parent !== undefined)
    lines.push(`  parent ${parent.reference} moved: ${short(parent.from)} → ${short(parent.to)}`);
  if (tools !== undefined)
    lines.push(`  tools image ${tools.reference} moved: ${short(tools.from)} → ${short(tools.to)}`);
  for (const { url, inherited } of repositories)
    lines.push(`  package repository moved${inheritedText(inherited)}: ${url}`);
  for (const { name, from, to, inherited } of packages.slice(0, MOST_PACKAGES)) {
    lines.push(`  ${name} ${from === '' ? '?' : from} → ${to}${inheritedText(inherited)}`);
  }
  if (packages.length > MOST_PACKAGES)
    lines.push(`  and ${packages.length - MOST_PACKAGES} more packages (--json has all)`);
  if (note !== undefined) lines.push(`  ${note}`);
  return lines;
}

function inheritedText(isInherited: boolean): string {
  return isInherited ? ' (inherited)' : '';
}

function short(digest: string): string {
  return digest.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1…');
}
