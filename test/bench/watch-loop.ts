import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createContainerStorage } from '../helpers/container-storage.ts';
import type { Bench, Table } from './bench.ts';
import { type Figure, plainEnvironment } from './measure.ts';
import { LAYERS, REPOSITORY } from './places.ts';
import { startWatch } from './watching.ts';

const LAYER = 'debian/compute';
const LAYER_FILE = `layers/${LAYER}.yaml`;
const TEMPLATE = 'playbooks/roles/motd/templates/motd.j2';
/** At most: each takes half a minute. */
const SAVES = 3;

/** From the save of a role's template to its first task, to `converged` and to the clean image, in this repository's own tree. */
export const watchLoop: Bench = {
  name: 'watch-loop',
  isSlow: true,
  async run({ runs }): Promise<Table[]> {
    await using storage = await createContainerStorage();
    const root = path.join(storage.folder, 'tree');
    for (const name of ['layers', 'layers.yaml', 'playbooks', 'inventory']) {
      cpSync(path.join(REPOSITORY, name), path.join(root, name), { recursive: true });
    }
    return [await measureLoop(root, { ...plainEnvironment(), ...storage.env, CI: undefined }, Math.min(SAVES, runs))];
  },
};

type Env = Readonly<Record<string, string | undefined>>;

/** @param root a tree like this repository's, built or not */
async function measureLoop(root: string, env: Env, saves: number): Promise<Table> {
  build(root, env);
  const loop = await watchSaves(root, env, saves);
  const file = path.join(root, LAYER_FILE);
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace('options:\n', 'options:\n  connection: containers.podman.buildah\n'));
  edit(root);
  const collection = build(root, env);
  writeFileSync(file, text);
  const figure = (name: string, values: readonly number[]): Figure => {
    const sorted = values.toSorted((a, b) => a - b);
    const ms = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
    return { name, ms, fastest: sorted[0] ?? Number.NaN, ratio: ms / collection };
  };
  return {
    title: `${LAYER}: a save of ${TEMPLATE} until … (median of ${saves})`,
    figures: [
      figure("a full build by the collection's connection", [collection]),
      figure(
        'its first task runs',
        loop.map(({ task }) => task),
      ),
      figure(
        'converged',
        loop.map(({ converged }) => converged),
      ),
      figure(
        'the clean image, 2 s of rest included',
        loop.map(({ clean }) => clean),
      ),
    ],
  };
}

/** Milliseconds of one build, the whole command. */
function build(root: string, env: Env): number {
  const started = performance.now();
  const args = ['build', LAYER, '--no-publish'];
  const { status, stdout, stderr } = spawnSync(LAYERS, args, {
    cwd: root,
    env: env as NodeJS.ProcessEnv,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`layers ${args.join(' ')} ended with ${status}: ${stderr}${stdout}`);
  return performance.now() - started;
}

interface Save {
  readonly task: number;
  readonly converged: number;
  readonly clean: number;
}

async function watchSaves(root: string, env: Env, count: number): Promise<Save[]> {
  await using watching = startWatch(root, env, [LAYER]);
  await watching.next(({ type }) => type === 'watch-ready');
  const saves: Save[] = [];
  for (let save = 0; save < count; save += 1) {
    const saved = edit(root);
    const task = await watching.next(({ type }) => type === 'progress');
    const converged = await watching.next(({ type }) => type === 'converged');
    const clean = await watching.next(({ type }) => type === 'run-finished');
    saves.push({ task: task.at - saved, converged: converged.at - saved, clean: clean.at - saved });
  }
  return saves;
}

/** Changes the template; gives the moment. */
function edit(root: string): number {
  const file = path.join(root, TEMPLATE);
  writeFileSync(file, `${readFileSync(file, 'utf8')}changed ${Math.random()}\n`);
  return performance.now();
}
