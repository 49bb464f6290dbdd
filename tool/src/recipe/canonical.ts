import { createHash } from 'node:crypto';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** JSON with sorted keys and no white space: equal values give equal text on every machine. Throws on what JSON cannot hold. */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`not JSON: ${value}`);
    return JSON.stringify(value);
  }
  // Loops, not chains of methods: a plan of a thousand layers passes here with all their recipes.
  if (Array.isArray(value)) {
    let text = '[';
    for (const member of value) text += `${text === '[' ? '' : ','}${canonicalJson(member)}`;
    return `${text}]`;
  }
  if (typeof value === 'object') {
    const members = value as Readonly<Record<string, unknown>>;
    let text = '{';
    for (const name of Object.keys(members).sort()) {
      const member = members[name];
      if (member === undefined) continue;
      text += `${text === '{' ? '' : ','}${JSON.stringify(name)}:${canonicalJson(member)}`;
    }
    return `${text}}`;
  }
  throw new TypeError(`not JSON: ${typeof value}`);
}

/** Hex SHA-256 of the canonical JSON. */
export function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
