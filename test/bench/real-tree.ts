import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createContainerStorage } from '../helpers/container-storage.ts';
import { plainEnvironment } from './measure.ts';
import { IMAGE_BUILD, LAYERS } from './places.ts';

/** What a layer of a real build took, from the tool's own summary. Milliseconds. */
interface LayerTime {
  readonly name: string;
  readonly ms: number;
  /** Part of it in which a child process ran. */
  readonly childrenMs: number;
}

export interface RealRun {
  readonly ms: number;
  readonly layers: readonly LayerTime[];
}

/** A tree of real Debian layers with a storage of its own: one base, and children that each install a little. */
export interface RealTree extends AsyncDisposable {
  /** Absolute. */
  readonly root: string;
  /** Of the container storage. */
  readonly graphRoot: string;
  /** Builds by `layers build ARGS`; throws with its output when that fails. */
  build(...args: string[]): RealRun;
  /** Builds one file by `image-build`, with the same packages at hand; gives milliseconds. */
  imageBuild(file: string): number;
}

const CHILDREN = ['less', 'tree', 'patch', 'rsync'];

export async function makeRealTree(): Promise<RealTree> {
  const storage = await createContainerStorage();
  const root = path.join(storage.folder, 'tree');
  mkdirSync(path.join(root, 'layers'), { recursive: true });
  const write = (name: string, parent: string, packages: string) =>
    writeFileSync(
      path.join(root, `layers/${name}.yaml`),
      `options: {layer_type: base, name: ${name}, parent: ${parent}, pkg_manager: apt, publish_local: true}\npackages: [${packages}]\n`,
    );
  write('base', 'scratch', 'bash');
  for (const name of CHILDREN) write(`child-${name}`, 'base', name);
  const env = { ...plainEnvironment(), ...storage.env, CI: undefined };
  return {
    root,
    graphRoot: path.join(storage.folder, 'graph'),
    build(...args) {
      const started = performance.now();
      const all = ['build', ...args, '--output', 'json'];
      const { status, stdout, stderr } = spawnSync(LAYERS, all, {
        cwd: root,
        env,
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      });
      const ms = performance.now() - started;
      if (status !== 0)
        throw new Error(`layers ${all.join(' ')} ended with ${status}: ${stderr}${stdout.slice(-2000)}`);
      const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
      const built = last.summary.layers.filter((one: { outcome: string }) => one.outcome === 'built');
      const times = built.map((one: { name: string; durationMs: number; childrenMs?: number }) => ({
        name: one.name,
        ms: one.durationMs,
        childrenMs: one.childrenMs ?? Number.NaN,
      }));
      return { ms, layers: times };
    },
    imageBuild(file) {
      const started = performance.now();
      const own = { ...env, XDG_STATE_HOME: path.join(storage.folder, 'state') };
      const { status, stderr } = spawnSync(IMAGE_BUILD, ['--config', file], { cwd: root, env: own, encoding: 'utf8' });
      if (status !== 0) throw new Error(`image-build ended with ${status}: ${stderr.slice(-2000)}`);
      return performance.now() - started;
    },
    [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
  };
}
