import { relative } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import type { Layer } from '../config/layer.ts';
import { select } from '../graph/select.ts';
import { createDigester } from '../inputs/digest-file.ts';
import { type InputList, type ListedInput, listInputs } from '../inputs/list-inputs.ts';
import { openRecords } from '../records/record-store.ts';
import type { CommandRun } from './command.ts';
import { loadTree } from './load-tree.ts';

interface Listed extends InputList {
  readonly id: string;
  /** ISO 8601: the run of the playbooks that `read`, `probed` and `listed` speak of; null: none is known. */
  readonly playedAt: string | null;
}

/** What a layer reads from this machine, each with what brought it in. Throws InvalidInput for files that cannot be used. */
export const run: CommandRun = async (context) => {
  const [selector] = context.positionals;
  if (selector === undefined) throw new InvalidInput('inputs of which layer?', { hint: 'usage: layers inputs LAYER' });
  const { graph, tree, stateDir } = await loadTree({ ...context.options, cwd: context.cwd, env: context.env });
  const { named } = select(graph, { selectors: [selector], prefix: relative(tree.root, context.cwd) });
  const digester = createDigester({ root: tree.root, stateDir });
  const records = openRecords(stateDir);
  const layers: Listed[] = [];
  for (const id of named) {
    const layer = graph.layers.get(id) as Layer;
    const stored = records.read(id);
    const set = stored.kind === 'record' ? stored.record.inputSet : undefined;
    const list = await listInputs(layer, set, { root: tree.root, digester, env: context.env });
    const playedAt = stored.kind === 'record' && set !== undefined ? stored.record.lastBuiltAt : null;
    layers.push({ id, playedAt, ...list });
  }
  await digester.save();
  if (context.values.json === true) context.print(JSON.stringify({ version: 1, layers }));
  else for (const one of layers) for (const line of linesOf(one)) context.print(line);
  return 0;
};

function linesOf({ id, inputs, tools, environment, playedAt }: Listed): string[] {
  const rows = [
    ...inputs.map((input): [string, string] => [shown(input), originText(input, playedAt)]),
    ...Object.entries(tools).map(([name, version]): [string, string] => [`${name} ${version}`, 'tool of this machine']),
    ...environment.map((name): [string, string] => [`$${name}`, 'variable, by the hash of its value']),
  ];
  const width = Math.min(60, Math.max(0, ...rows.map(([name]) => name.length)));
  return [id, ...rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)];
}

function shown({ name, path }: ListedInput): string {
  return path === undefined ? name : `${name} → ${path}`;
}

function originText({ origin, entries = [] }: ListedInput, playedAt: string | null): string {
  const run = `by the playbook run of ${playedAt}`;
  switch (origin) {
    case 'copied':
      return `copyfiles ${entries.length === 1 ? 'entry' : 'entries'} ${entries.join(', ')}`;
    case 'layer-file':
      return 'named by the layer file';
    case 'inventory-script':
      return 'by what it prints of the layer';
    case 'read':
      return `read ${run}`;
    case 'probed':
      return `looked for ${run}`;
    case 'listed':
      return `listed ${run}`;
    case 'may-read':
      return playedAt === null ? 'may be read (static)' : 'may be read (static), was not: does not count';
  }
}
