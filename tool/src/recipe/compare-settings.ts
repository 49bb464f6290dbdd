import { canonicalJson, type Json } from './canonical.ts';
import type { Change } from './change.ts';
import { namesOfBoth } from './names-of-both.ts';

type Settings = { readonly [key: string]: Json };

/** Adds every difference between two maps of settings, members of lists and maps by their own names. */
export function compareSettings(before: Settings, now: Settings, prefix: string, changes: Change[]): void {
  for (const name of namesOfBoth(before, now)) {
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
