// Benchmarks, each as ratios to something measured in the same rounds: `npm run bench -- [NAME…] [--runs N] [--sizes N,N] [--json] [--all]`
import { parseArgs } from 'node:util';
import type { Bench, Table } from './bench.ts';
import { checkpoints } from './checkpoints.ts';
import { connection } from './connection.ts';
import { freshMachine } from './fresh-machine.ts';
import { nullBuild } from './null-build.ts';
import { ownCost } from './own-cost.ts';
import { parallel } from './parallel.ts';
import { isBundleOld } from './places.ts';
import { scale } from './scale.ts';
import { watch } from './watch.ts';
import { watchLoop } from './watch-loop.ts';

const BENCHES: readonly Bench[] = [
  nullBuild,
  scale,
  freshMachine,
  parallel,
  ownCost,
  checkpoints,
  watch,
  watchLoop,
  connection,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    runs: { type: 'string', default: '11' },
    sizes: { type: 'string', default: '50,1000,10000' },
  },
});
const unknown = positionals.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown.length > 0)
  throw new Error(`no bench ${unknown.join(', ')}; there are ${BENCHES.map(({ name }) => name).join(', ')}`);
if (isBundleOld()) process.stderr.write('the bundle is older than the sources: npm run setup\n');

const settings = { runs: Number(values.runs), sizes: values.sizes.split(',').map(Number) };
const tables: Table[] = [];
for (const bench of BENCHES) {
  const isWanted = positionals.length > 0 ? positionals.includes(bench.name) : values.all || bench.isSlow !== true;
  if (!isWanted) continue;
  for (const table of await bench.run(settings)) {
    tables.push(table);
    if (!values.json) process.stdout.write(`${textOf(table)}\n`);
  }
}
if (values.json) process.stdout.write(`${JSON.stringify({ version: 1, node: process.version, tables }, null, 2)}\n`);

function textOf({ title, figures = [], skipped }: Table): string {
  const width = Math.max(0, ...figures.map(({ name }) => name.length));
  const lines = figures.map(({ name, ms, fastest, ratio, megabytes }) => {
    const numbers = [
      `${ms.toFixed(0)} ms`.padStart(9),
      `fastest ${fastest.toFixed(0)}`.padStart(14),
      `${ratio.toFixed(2)} x`.padStart(10),
      ...(megabytes === undefined ? [] : [`${megabytes.toFixed(0)} MB`.padStart(10)]),
    ];
    return `  ${name.padEnd(width)} ${numbers.join('')}`;
  });
  return [title, ...(skipped === undefined ? [] : [`  skipped: ${skipped}`]), ...lines, ''].join('\n');
}
