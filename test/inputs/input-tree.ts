import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createDigester } from '../../tool/src/inputs/digest-file.ts';
import { type LayerInputs, layerInputs } from '../../tool/src/inputs/layer-inputs.ts';
import { layer } from '../helpers/layers.ts';

/** A temporary tree whose layers' inputs are read, each time as a new process would. */
export interface InputTree extends Disposable {
  readonly root: string;
  /** Writes a file below the root, with a time long enough ago that its digest may be remembered. */
  write(file: string, text?: string): string;
  git(...args: string[]): string;
  copying(src: string, opts?: string[]): Promise<LayerInputs>;
  ansible(options: Record<string, unknown>): Promise<LayerInputs>;
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
  const read = async (options: Record<string, unknown>, top: Record<string, unknown>) => {
    const digester = createDigester({ root, stateDir: path.join(root, '.layers') });
    const inputs = await layerInputs(layer('debian/x', options, top), { root, digester, env: { HOME: root, ...env } });
    await digester.save();
    return inputs;
  };
  return {
    root,
    write,
    git: (...args) => git(root, ...args),
    copying: (src, opts = []) => read({}, { copyfiles: [{ src, dest: '/x', opts }] }),
    ansible: (options) => read({ layer_type: 'ansible', ...options }, {}),
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
