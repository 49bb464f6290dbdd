import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Bench, Table } from './bench.ts';
import type { Figure } from './measure.ts';
import { makeRealTree } from './real-tree.ts';

/** Of each, at most: the machine's other work makes single figures worth little, and a round takes minutes. */
const ROUNDS = 3;

/** A base of Debian whose command is edited: from its checkpoint, with none there, and as one commit without parts. */
export const checkpoints: Bench = {
  name: 'checkpoints',
  isSlow: true,
  async run({ runs }): Promise<Table[]> {
    const rounds = Math.min(ROUNDS, runs);
    await using tree = await makeRealTree();
    const file = path.join(tree.root, 'layers/base.yaml');
    let edits = 0;
    const edit = () => {
      edits += 1;
      writeFileSync(
        file,
        `options: {layer_type: base, name: base, pkg_manager: apt, publish_local: true}\npackages: [bash, python3]\ncmds: ['echo ${edits} > /etc/edits']\n`,
      );
    };
    const forget = () => rmSync(path.join(tree.graphRoot, 'layers-checkpoints'), { recursive: true, force: true });
    const build = () => {
      edit();
      return tree.build('base').ms;
    };
    // Fills the package cache, so that nobody's figure has the downloads in it.
    build();
    tree.imageBuild(file);
    const whole: number[] = [];
    const parts: number[] = [];
    const started: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      edit();
      whole.push(tree.imageBuild(file));
      forget();
      parts.push(build());
      started.push(build());
    }
    const [first, ...others] = [
      ['one commit, all of it (image-build)', whole],
      ['in parts, no checkpoint there', parts],
      ['from the checkpoint', started],
    ].map(([name, times]) => ({ name: name as string, times: (times as number[]).toSorted((a, b) => a - b) }));
    const medianOf = ({ times }: { times: readonly number[] }) => times[Math.floor(times.length / 2)] ?? Number.NaN;
    const figures = [first!, ...others].map((one): Figure => {
      const ms = medianOf(one);
      return { name: one.name, ms, fastest: one.times[0] ?? Number.NaN, ratio: ms / medianOf(first!) };
    });
    return [{ title: `an edited command of a Debian base (median of ${rounds})`, figures }];
  },
};
