import { hash } from 'node:crypto';
import type { Layer } from '../config/layer.ts';
import { CommandFailure, type Exec } from '../system/command.ts';
import type { ScriptAnswers } from './layer-inputs.ts';
import type { NamedFile } from './named-file.ts';

/** No inventory takes longer, and a script that hangs must not hang a plan. */
const LIMIT_MS = 120_000;

interface Group {
  readonly hosts?: readonly string[];
  readonly children?: readonly string[];
  readonly vars?: unknown;
}

interface Asking {
  readonly root: string;
  readonly exec: Exec;
  readonly env: Readonly<Record<string, string>>;
  /** A script that is in here is not asked again. */
  readonly answers: ScriptAnswers;
}

/**
 * Digest of what an inventory script says of a layer: its groups and those above them, `all`, and the variables of its name. Throws
 * Error with a message for the user.
 */
export async function inventoryOutput(
  layer: Layer,
  script: NamedFile & { readonly path: string },
  asking: Asking,
): Promise<string> {
  const { name, groups } = layer.options;
  const ask = (...args: string[]): Promise<unknown> => {
    const key = JSON.stringify([script.path, args, asking.env]);
    const answer = asking.answers.get(key) ?? run(script, args, asking);
    asking.answers.set(key, answer);
    return answer;
  };
  const inventory = (await ask('--list')) as Record<string, Group | readonly string[]>;
  const { _meta: meta, ...rest } = inventory as { _meta?: { hostvars?: Record<string, unknown> } };
  const all = Object.fromEntries(Object.entries(rest as typeof inventory).map(([key, one]) => [key, groupOf(one)]));
  const members = Object.keys(all).filter((group) => all[group]?.hosts?.includes(name));
  const counted = withAncestors([...groups, ...members, 'all'], all);
  const isKnown = members.length > 0;
  // As Ansible does: without `_meta` a script is asked for each host.
  const hostvars = meta?.hostvars === undefined && isKnown ? await ask('--host', name) : meta?.hostvars?.[name];
  const relevant = Object.fromEntries(counted.filter((one) => one in all).map((one) => [one, all[one]]));
  return `sha256:${hash('sha256', canonical({ groups: relevant, host: hostvars ?? null }))}`;
}

/** A group may be a list of hosts only. */
function groupOf(group: Group | readonly string[]): Group {
  return Array.isArray(group) ? { hosts: group } : (group as Group);
}

function withAncestors(start: readonly string[], groups: Readonly<Record<string, Group>>): string[] {
  const counted = new Set(start);
  const pending = [...start];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for (const [name, { children = [] }] of Object.entries(groups)) {
      if (counted.has(name) || !children.includes(next)) continue;
      counted.add(name);
      pending.push(name);
    }
  }
  return [...counted].sort();
}

async function run(
  { name, path }: NamedFile & { readonly path: string },
  args: readonly string[],
  { root, exec, env }: Asking,
): Promise<unknown> {
  const command = `${name} ${args.join(' ')}`;
  let stdout: string;
  try {
    ({ stdout } = await exec(path, args, { cwd: root, env, quiet: true, totalMs: LIMIT_MS }));
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    const last = error.result.tail.at(-1);
    const why = last === undefined ? error.message : `${error.message}: ${last}`;
    throw new Error(`the inventory script ${command} failed: ${why}`, { cause: error });
  }
  try {
    const value: unknown = JSON.parse(stdout || '{}');
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Told below.
  }
  throw new Error(`the inventory script ${command} printed no JSON object`);
}

function canonical(value: unknown): string {
  const sort = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(sort);
    if (typeof one !== 'object' || one === null) return one;
    return Object.fromEntries(
      Object.entries(one)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([k, v]) => [k, sort(v)]),
    );
  };
  return JSON.stringify(sort(value));
}
