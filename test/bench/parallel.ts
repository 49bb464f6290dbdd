import type { Bench, Table } from './bench.ts';
import type { Figure } from './measure.ts';
import { makeRealTree } from './real-tree.ts';

/** Independent children of one base, all at once against one after the other. */
export const parallel: Bench = {
  name: 'parallel',
  isSlow: true,
  async run(): Promise<Table[]> {
    await using tree = await makeRealTree();
    // Fills the package cache, so that nobody's figure has the downloads in it.
    tree.build('--all', '-j4');
    const force = ['child-*', '--only', '--force'];
    const one = tree.build(...force, '-j1');
    const four = tree.build(...force, '-j4');
    const own = one.layers.map(({ ms }) => ms);
    const figure = (name: string, ms: number): Figure => ({ name, ms, fastest: ms, ratio: ms / one.ms });
    const figures = [
      figure('-j1', one.ms),
      figure('-j4', four.ms),
      figure(
        "sum of the layers' own times at -j1",
        own.reduce((sum, ms) => sum + ms, 0),
      ),
      figure('longest of them', Math.max(...own)),
    ];
    return [{ title: `${own.length} independent children of one base (once)`, figures }];
  },
};
