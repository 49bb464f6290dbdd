import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Layer } from '../../tool/src/config/layer.ts';
import { createDigester } from '../../tool/src/inputs/digest-file.ts';
import { digestInputSet, type InputSetDigests } from '../../tool/src/inputs/input-set-digests.ts';
import { type InputPlaces, type LayerInputs, layerInputs } from '../../tool/src/inputs/layer-inputs.ts';
import { inputSetOf } from '../../tool/src/inputs/name-trace.ts';
import { cameOrWent } from '../../tool/src/inputs/seen-meanwhile.ts';
import { supersetAsSet } from '../../tool/src/inputs/superset.ts';
import type { InputSet } from '../../tool/src/recipe/input-set.ts';
import { layer } from '../helpers/layers.ts';

/** A temporary tree whose layers' inputs are read, each time as a new process would. */
export interface InputTree extends Disposable {
  readonly root: string;
  /** Writes a file below the root, with a time long enough ago that its digest may be remembered. */
  write(file: string, text?: string): string;
  git(...args: string[]): string;
  copying(src: string, opts?: string[]): Promise<LayerInputs>;
  /** What an Ansible layer may read, by the static reading. */
  ansible(options: Record<string, unknown>): Promise<InputSetDigests>;
  /** The set of a run that left no trace. */
  superset(options: Record<string, unknown>): Promise<InputSet>;
  /** What is known of an Ansible layer without a run. */
  fixed(options: Record<string, unknown>): Promise<LayerInputs>;
  /** The members of a set, as they are now. */
  digests(options: Record<string, unknown>, set: Partial<InputSet>): Promise<InputSetDigests>;
  /** The set that a trace with these absolute paths makes. */
  named(options: Record<string, unknown>, trace: Partial<Parameters<typeof inputSetOf>[1]>): Promise<InputSet>;
  /** Of what a run has seen, what is not there now as it was then. */
  cameOrWent(
    options: Record<string, unknown>,
    set: InputSet,
    seen: Partial<Parameters<typeof cameOrWent>[1]['trace']['seen']>,
  ): Promise<string[]>;
}

export function createInputTree(
  files: Readonly<Record<string, string>> = {},
  env: Record<string, string> = {},
): InputTree {
  const root = mkdtempSync(path.join(tmpdir(), 'layers-inputs-'));
  const write: InputTree['write'] = (file, text = '') => {
    const full = path.join(root, file);
    mkdirSync(path.dirname(full), { recursive: true });
    writeFileSync(full, text);
    return full;
  };
  for (const [file, text] of Object.entries(files)) write(file, text);
  const reading = async <T>(
    options: Record<string, unknown>,
    top: Record<string, unknown>,
    look: (one: Layer, places: InputPlaces) => Promise<T>,
  ): Promise<T> => {
    // What is remembered within one turn of the event loop is forgotten then.
    await new Promise((resolve) => setImmediate(resolve));
    const digester = createDigester({ root, stateDir: path.join(root, '.layers') });
    const result = await look(layer('debian/x', options, top), { root, digester, env: { HOME: root, ...env } });
    await digester.save();
    return result;
  };
  const read = (options: Record<string, unknown>, top: Record<string, unknown>) => reading(options, top, layerInputs);
  const ofAnsible = <T>(options: Record<string, unknown>, look: (one: Layer, places: InputPlaces) => Promise<T>) =>
    reading({ layer_type: 'ansible', ...options }, {}, look);
  return {
    root,
    write,
    git: (...args) => git(root, ...args),
    copying: (src, opts = []) => read({}, { copyfiles: [{ src, dest: '/x', opts }] }),
    ansible: (options) =>
      ofAnsible(options, async (one, places) => digestInputSet(one, await supersetAsSet(one, places), places)),
    superset: (options) => ofAnsible(options, supersetAsSet),
    fixed: (options) => read({ layer_type: 'ansible', ...options }, {}),
    digests: (options, set) =>
      ofAnsible(options, (one, places) =>
        digestInputSet(one, { version: 2, read: [], probed: [], listed: [], ...set }, places),
      ),
    named: (options, trace) =>
      ofAnsible(options, (one, places) =>
        inputSetOf(one, { read: [], probed: [], listed: [], ...trace }, { ...places, temporary: '/tmp/run' }),
      ),
    cameOrWent: (options, set, seen) =>
      ofAnsible(options, (one, places) => {
        const trace = {
          ...{ read: [], probed: [], listed: [] },
          seen: { there: [], absent: [], names: [], own: [], ...seen },
        };
        return cameOrWent(one, { trace, set }, { ...places, temporary: '/tmp/run' });
      }),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Git as a machine without any configuration has it. */
export function git(folder: string, ...args: string[]): string {
  const env = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
  const settings = ['-c', 'user.name=x', '-c', 'user.email=x@example.org', '-c', 'protocol.file.allow=always'];
  return execFileSync('git', [...settings, ...args], {
    cwd: folder,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Makes a file look as if it had been written in that second, by mtime only. */
export function touch(file: string, seconds: number): void {
  utimesSync(file, seconds, seconds);
}

/** Longer than the clock's tick, after which what was read is remembered. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 80));
}
