import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Bench, Table } from './bench.ts';
import { measure } from './measure.ts';
import { LAYERS, NODE_ALONE } from './places.ts';
import { makeSyntheticTree } from './synthetic-tree.ts';

/** What planning costs in trees of growing size. Nothing of them was ever built, so each layer is read and decided. */
export const scale: Bench = {
  name: 'scale',
  async run({ runs, sizes }): Promise<Table[]> {
    return sizes.map((size) => {
      const root = mkdtempSync(path.join(tmpdir(), `layers-bench-${size}-`));
      try {
        makeSyntheticTree(root, size);
        const run = (...args: string[]) => ({ name: `layers ${args.join(' ')}`, argv: [LAYERS, ...args], cwd: root });
        const commands = [NODE_ALONE, run('list'), run('plan', '--all')];
        return { title: `a synthetic tree of ${size} layers`, figures: measure(commands, runs) };
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    });
  },
};
