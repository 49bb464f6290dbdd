import type { Bench, Table } from './bench.ts';
import { makeRealTree, type RealRun } from './real-tree.ts';

/** What the tool adds to a real layer: its time, less the time in which a child process worked for it. */
export const ownCost: Bench = {
  name: 'own-cost',
  isSlow: true,
  async run(): Promise<Table[]> {
    await using tree = await makeRealTree();
    const runs = [
      tree.build('base', '-j1'),
      tree.build('child-less', '-j1'),
      tree.build('child-less', '--only', '--force', '-j1'),
    ];
    return runs.map(tableOf);
  },
};

function tableOf({ layers }: RealRun): Table {
  const figures = layers.flatMap(({ name, ms, childrenMs }) => [
    { name, ms, fastest: ms, ratio: 1 },
    {
      name: `${name}: without its children`,
      ms: ms - childrenMs,
      fastest: ms - childrenMs,
      ratio: (ms - childrenMs) / ms,
    },
  ]);
  return { title: `own cost of ${layers.map(({ name }) => name).join(', ')} (once)`, figures };
}
