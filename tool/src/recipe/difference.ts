import { canonicalJson, type Json } from './canonical.ts';
import type { Recipe, RecipeParent } from './recipe.ts';

/** One way in which two recipes differ. Closed; `text` of a reason is made from it by `describe`. */
export type Change =
  | { readonly code: 'setting-changed'; readonly key: string }
  | {
      readonly code: 'list-changed';
      readonly key: string;
      readonly added: readonly string[];
      readonly removed: readonly string[];
    }
  | { readonly code: 'list-reordered'; readonly key: string }
  | { readonly code: 'file-changed' | 'file-added' | 'file-removed'; readonly file: string }
  | { readonly code: 'parent-changed'; readonly from: RecipeParent; readonly to: RecipeParent }
  | { readonly code: 'architecture-changed'; readonly from: string; readonly to: string }
  | { readonly code: 'tool-changed'; readonly from: number; readonly to: number };

/** Every difference between the recipe of the last good build and the one of now, own settings first. Pure. */
export function differences(before: Recipe, now: Recipe): Change[] {
  const changes: Change[] = [];
  compareSettings(before.settings, now.settings, '', changes);
  compareFiles(before.files, now.files, changes);
  if (before.architecture !== now.architecture) {
    changes.push({ code: 'architecture-changed', from: before.architecture, to: now.architecture });
  }
  if (before.stepVersion !== now.stepVersion) {
    changes.push({ code: 'tool-changed', from: before.stepVersion, to: now.stepVersion });
  }
  if (canonicalJson(before.parent) !== canonicalJson(now.parent)) {
    changes.push({ code: 'parent-changed', from: before.parent, to: now.parent });
  }
  return changes;
}

/** Words for a change, without values that may be secret. `parentName` is what the layer calls its parent. */
export function describe(change: Change, parentName: string): string {
  switch (change.code) {
    case 'setting-changed':
      return `${change.key} changed`;
    case 'list-changed': {
      const words = [...change.added.map((one) => `+ ${one}`), ...change.removed.map((one) => `- ${one}`)];
      return `${change.key}: ${words.join(', ')}`;
    }
    case 'list-reordered':
      return `${change.key}: other order`;
    case 'file-changed':
      return `${change.file} changed`;
    case 'file-added':
      return `${change.file} added`;
    case 'file-removed':
      return `${change.file} removed`;
    case 'parent-changed':
      return describeParent(change.from, change.to, parentName);
    case 'architecture-changed':
      return `architecture ${change.from} → ${change.to}`;
    case 'tool-changed':
      return `layers builds it in another way now (step version ${change.from} → ${change.to})`;
  }
}

function describeParent(from: RecipeParent, to: RecipeParent, parentName: string): string {
  if (from.kind === 'layer' && to.kind === 'layer') return `parent ${parentName} has other content`;
  if (from.kind === 'external' && to.kind === 'external')
    return `parent ${parentName} moved to ${shorten(to.manifest)}`;
  return `parent is ${parentName} now`;
}

function shorten(digest: string): string {
  return digest.replace(/^(sha256:[0-9a-f]{12})[0-9a-f]+$/, '$1…');
}

function compareFiles(before: Recipe['files'], now: Recipe['files'], changes: Change[]): void {
  for (const file of union(before, now)) {
    if (before[file] === now[file]) continue;
    if (before[file] === undefined) changes.push({ code: 'file-added', file });
    else if (now[file] === undefined) changes.push({ code: 'file-removed', file });
    else changes.push({ code: 'file-changed', file });
  }
}

type Settings = { readonly [key: string]: Json };

function compareSettings(before: Settings, now: Settings, prefix: string, changes: Change[]): void {
  for (const name of union(before, now)) {
    const key = prefix === '' ? name : `${prefix}.${name}`;
    const [old, fresh] = [before[name], now[name]];
    if (old === undefined || fresh === undefined) changes.push(appeared(key, old, fresh));
    else if (canonicalJson(old) !== canonicalJson(fresh)) compareValues(key, old, fresh, changes);
  }
}

function compareValues(key: string, before: Json, now: Json, changes: Change[]): void {
  if (isTextList(before) && isTextList(now)) {
    const added = now.filter((one) => !before.includes(one));
    const removed = before.filter((one) => !now.includes(one));
    if (added.length + removed.length === 0) changes.push({ code: 'list-reordered', key });
    else changes.push({ code: 'list-changed', key, added, removed });
  } else if (Array.isArray(before) && Array.isArray(now)) {
    const found = changes.length;
    compareSettings(numbered(before), numbered(now), key, changes);
    if (changes.length === found) changes.push({ code: 'list-reordered', key });
  } else if (isMap(before) && isMap(now)) {
    compareSettings(before, now, key, changes);
  } else {
    changes.push({ code: 'setting-changed', key });
  }
}

/** A setting on one side only: a list of plain words still says which words. */
function appeared(key: string, before: Json | undefined, now: Json | undefined): Change {
  if (isTextList(now)) return { code: 'list-changed', key, added: now, removed: [] };
  if (isTextList(before)) return { code: 'list-changed', key, added: [], removed: before };
  return { code: 'setting-changed', key };
}

/** Lists of hashes are not worth showing: they count as numbered members (`cmds.1 changed`). */
function isTextList(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string' && !one.startsWith('sha256:'));
}

function isMap(value: Json): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Members go by their names where each has one of its own (`repos.epel.url`), else by their places, counted from 1. */
function numbered(list: readonly Json[]): Settings {
  const names = list.map((member) => (isMap(member) ? (member.alias ?? member.dest) : undefined));
  const isNamed = names.every((name) => typeof name === 'string') && new Set(names).size === names.length;
  return Object.fromEntries(list.map((member, index) => [isNamed ? String(names[index]) : `${index + 1}`, member]));
}

function union(a: object, b: object): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
}
