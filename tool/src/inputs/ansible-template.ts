/** A string of a playbook, with the variables filled in that are known before Ansible runs. */
export interface KnownText {
  readonly text: string;
  /** The rest is only known later. */
  readonly isTemplate: boolean;
  /** Of a template, the folder that comes before what is not known: `vars/{{ os }}.yml` → `vars`. */
  readonly folder: string;
  /** Of a template, what stands outside of its expressions. */
  readonly literal: string;
  /** Of a template, whether it may become this name. */
  mayBe(name: string): boolean;
  /** Of a template, whether it may become this path, or a folder above it. */
  mayHold(below: string): boolean;
}

/** @param known values by variable; undefined ones stay as they are */
export function fillIn(text: string, known: Readonly<Record<string, string | undefined>>): KnownText {
  const filled = text.replace(/\{\{\s*(\w+)\s*\}\}/g, (whole, name: string) => known[name] ?? whole);
  const start = filled.search(/\{\{|\{%/);
  const isTemplate = start >= 0;
  const prefix = isTemplate ? filled.slice(0, start) : '';
  return {
    text: filled,
    isTemplate,
    folder: prefix.slice(0, Math.max(0, prefix.lastIndexOf('/'))),
    literal: literalParts(filled).join(''),
    mayBe: (name) => expressionOf(filled, '').test(name),
    mayHold: (below) => expressionOf(filled, '(?:/.*)?').test(below),
  };
}

function literalParts(template: string): string[] {
  return template.split(/\{\{.*?\}\}|\{%.*?%\}/s);
}

function expressionOf(template: string, end: string): RegExp {
  const parts = literalParts(template).map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}${end}$`, 's');
}
