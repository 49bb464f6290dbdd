import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Bench, Table } from './bench.ts';
import { pretendBuilt } from './built-tree.ts';
import { type Figure, measure, plainEnvironment } from './measure.ts';
import { NODE_ALONE } from './places.ts';
import { makeSyntheticTree } from './synthetic-tree.ts';
import { isOf, startWatch } from './watching.ts';

const SETTLED_MS = 2500;
const SAVES = 5;

/** What a watch takes until it is ready, what it holds while it waits, and how long a save takes until the plan is made. */
export const watch: Bench = {
  name: 'watch',
  async run({ sizes, runs }): Promise<Table[]> {
    const tables: Table[] = [];
    for (const size of sizes) tables.push(await tableFor(size, Math.min(runs, 5)));
    return tables;
  },
};

async function tableFor(size: number, runs: number): Promise<Table> {
  const folder = mkdtempSync(path.join(tmpdir(), `layers-bench-watch-${size}-`));
  try {
    const root = path.join(folder, 'tree');
    makeSyntheticTree(root, size);
    await pretendBuilt(root, { isShared: false });
    await setTimeout(SETTLED_MS);
    const [node] = measure([NODE_ALONE], runs);
    const watches = [];
    // The first one fills caches.
    for (let round = -1; round < runs; round += 1) watches.push(await oneWatch(root));
    const counted = watches.slice(1);
    const base = node?.ms ?? Number.NaN;
    const figure = (name: string, values: readonly number[]): Figure => {
      const sorted = values.toSorted((a, b) => a - b);
      const ms = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
      return { name, ms, fastest: sorted[0] ?? Number.NaN, ratio: ms / base };
    };
    const megabytes = Math.max(...counted.map((one) => one.megabytes));
    const ready = {
      ...figure(
        'layers watch, until it is ready',
        counted.map((one) => one.readyMs),
      ),
      megabytes,
    };
    const saves = figure(
      'a save, until the plan is made',
      counted.flatMap((one) => one.saves),
    );
    return {
      title: `watching ${size} layers (${counted[0]?.folders} folders)`,
      figures: [...(node ? [node] : []), ready, saves],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface OneWatch {
  readonly readyMs: number;
  readonly folders: number;
  /** Most resident memory so far, after the saves. */
  readonly megabytes: number;
  readonly saves: readonly number[];
}

async function oneWatch(root: string): Promise<OneWatch> {
  const started = performance.now();
  await using watching = startWatch(root, plainEnvironment());
  const { event, at: readyAt } = await watching.next(isOf('watch-ready'));
  const saves: number[] = [];
  const file = path.join(root, 'files/layer-0/a');
  const text = readFileSync(file);
  for (let save = 0; save < SAVES; save += 1) {
    await setTimeout(300);
    const saved = performance.now();
    // The same content: the plan says that there is nothing to do, and that is the end.
    writeFileSync(file, text);
    const { at } = await watching.next(({ type }) => {
      if (type === 'run-started') throw new Error('a tree that is in line is built');
      return type === 'watch-unchanged';
    });
    saves.push(at - saved);
  }
  const status = readFileSync(`/proc/${watching.pid}/status`, 'utf8');
  const megabytes = (Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1]) * 1024) / 1e6;
  return { readyMs: readyAt - started, folders: Number(event.folders), megabytes, saves };
}
