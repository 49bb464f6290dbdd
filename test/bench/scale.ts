import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Bench, Table } from './bench.ts';
import { pretendBuilt } from './built-tree.ts';
import { type Figure, type Measured, measure, mostMemory } from './measure.ts';
import { ninjaOn, turboOn } from './other-engines.ts';
import { LAYERS, NODE_ALONE } from './places.ts';
import { makeSyntheticTree } from './synthetic-tree.ts';

/** A file system may keep whole seconds; what changed within one is looked at again. */
const SETTLED_MS = 2500;

/** What it costs to find that there is nothing to do, in trees of growing size, and what other engines take for the same graph. */
export const scale: Bench = {
  name: 'scale',
  async run({ runs, sizes }): Promise<Table[]> {
    const tables: Table[] = [];
    for (const size of sizes) tables.push(await tableFor(size, runs));
    return tables;
  },
};

async function tableFor(size: number, runs: number): Promise<Table> {
  const folder = mkdtempSync(path.join(tmpdir(), `layers-bench-${size}-`));
  try {
    const root = path.join(folder, 'tree');
    makeSyntheticTree(root, size);
    await pretendBuilt(root);
    const others = [turboOn(path.join(folder, 'turbo'), size), ninjaOn(path.join(folder, 'ninja'), size)];
    await setTimeout(SETTLED_MS);
    const run = (...args: string[]): Measured => {
      return { name: `layers ${args.join(' ')}`, argv: [LAYERS, ...args], cwd: root };
    };
    const forget = () => rmSync(path.join(root, '.layers/cache/at-rest.json'), { force: true });
    const commands = [
      NODE_ALONE,
      run('build', '--all'),
      { ...run('build', '--all'), name: 'layers build --all, another selection before', before: forget },
      run('plan', '--all', '--json'),
      ...others.flatMap(({ command }) => command ?? []),
    ];
    const figures = [...measureAtRest(commands, runs)];
    const skipped = others.flatMap((one) => one.skipped ?? []).join('; ');
    return { title: `nothing to do in a tree of ${size} layers`, figures, ...(skipped !== '' && { skipped }) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The first build leaves what the others find, so each command has its rounds alone with Node's. */
function measureAtRest(commands: readonly Measured[], runs: number): Figure[] {
  const [node, ...rest] = commands;
  if (node === undefined) return [];
  const figures: Figure[] = [];
  for (const command of rest) {
    const [alone, figure] = measure([node, command], runs);
    const megabytes = mostMemory(command);
    if (figures.length === 0 && alone !== undefined) figures.push(alone);
    if (figure !== undefined) figures.push({ ...figure, ...(megabytes !== undefined && { megabytes }) });
  }
  return figures;
}
