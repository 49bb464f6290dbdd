import { spawnSync } from 'node:child_process';
import type { Bench, Table } from './bench.ts';
import { measure, plainEnvironment } from './measure.ts';
import { LAYERS, NODE_ALONE, REPOSITORY } from './places.ts';

/** What it costs to find that there is nothing to do, in the tree of this repository. */
export const nullBuild: Bench = {
  name: 'null-build',
  async run({ runs }): Promise<Table[]> {
    const title = 'nothing to do, in this tree';
    const args = { cwd: REPOSITORY, env: plainEnvironment() };
    // 3: there is something to do. Then a null build would be a build.
    const { status } = spawnSync(LAYERS, ['plan', '--all', '--exit-code'], { ...args, stdio: 'ignore' });
    const always = [
      NODE_ALONE,
      { name: 'layers --version', argv: [LAYERS, '--version'], ...args },
      { name: 'layers plan --all', argv: [LAYERS, 'plan', '--all'], ...args },
    ];
    const build = { name: 'layers build --all', argv: [LAYERS, 'build', '--all'], ...args };
    if (status !== 0) return [{ title: `${title} (not built yet: npm start)`, figures: measure(always, runs) }];
    return [{ title, figures: measure([...always, build], runs) }];
  },
};
