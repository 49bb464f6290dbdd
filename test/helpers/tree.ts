import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type ContainerStorage, createContainerStorage } from './container-storage.ts';

const BIN = path.resolve(import.meta.dirname, '../../node_modules/.bin/layers');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of `--output json`, parsed. */
  readonly events: readonly Record<string, unknown>[];
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when standard output has matched; rejects with all output when the program ends before. */
  seen(pattern: RegExp): Promise<void>;
}

/** A tree of layer files with a container storage of its own, in which the real `layers` runs from its sources. */
export interface TestTree extends AsyncDisposable {
  readonly root: string;
  readonly storage: ContainerStorage;
  /** Writes a file below the root; gives its absolute path. */
  write(file: string, text: string): Promise<string>;
  start(args: readonly string[], env?: Record<string, string | undefined>): Running;
  layers(args: readonly string[], env?: Record<string, string | undefined>): Promise<Ended>;
}

export async function createTree(files: Readonly<Record<string, string>> = {}): Promise<TestTree> {
  const storage = await createContainerStorage();
  const root = path.join(storage.folder, 'tree');
  await mkdir(root);
  const write = async (file: string, text: string): Promise<string> => {
    const full = path.join(root, file);
    await mkdir(path.dirname(full), { recursive: true });
    await writeFile(full, text);
    return full;
  };
  for (const [file, text] of Object.entries(files)) await write(file, text);
  const start: TestTree['start'] = (args, env = {}) => {
    const all = { ...storage.env, LAYERS_SOURCES: '1', NO_COLOR: '1', ...env };
    const child = spawn(BIN, args, { cwd: root, env: all as NodeJS.ProcessEnv, stdio: ['ignore', 'pipe', 'pipe'] });
    return watch(child);
  };
  return {
    root,
    storage,
    write,
    start,
    layers: (args, env) => start(args, env).ended,
    async [Symbol.asyncDispose]() {
      await rm(root, { recursive: true, force: true });
      await storage[Symbol.asyncDispose]();
    },
  };
}

function watch(child: ChildProcess): Running {
  let stdout = '';
  let stderr = '';
  const waiting: { pattern: RegExp; resolve: () => void; reject: (error: Error) => void }[] = [];
  const look = (): void => {
    for (const one of waiting) if (one.pattern.test(stdout)) one.resolve();
  };
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    look();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code, signal) => {
      for (const one of waiting) one.reject(new Error(`ended before ${one.pattern}:\n${stdout}\n${stderr}`));
      resolve({ code, signal, stdout, stderr, events: jsonLines(stdout) });
    });
  });
  return {
    child,
    ended,
    seen: (pattern) =>
      new Promise((resolve, reject) => {
        waiting.push({ pattern, resolve, reject });
        look();
      }),
  };
}

function jsonLines(text: string): Record<string, unknown>[] {
  const lines = text.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** The outcome of every layer of a run that printed JSON lines. */
export function outcomes(ended: Ended): Record<string, string> {
  const finished = ended.events.filter((event) => event.type === 'layer-finished');
  return Object.fromEntries(
    finished.map((event) => {
      const { id, outcome, failure } = event.summary as { id: string; outcome: string; failure?: { message: string } };
      // For whoever reads a failed test.
      if (outcome === 'failed') process.stderr.write(`${id}: ${failure?.message}\n`);
      return [id, outcome];
    }),
  );
}

/**
 * An OCI layout `small:1` in the tree with a shell and little else (busybox), so that layers on it build in seconds. What
 * it cannot stand for, package managers and Ansible, has tests of its own.
 */
export async function addSmallImage(tree: TestTree): Promise<string> {
  const { exec } = tree.storage;
  const buildah = async (...args: string[]) => (await exec('buildah', args, { quiet: true })).stdout.trim();
  const folder = path.join(tree.storage.folder, 'small');
  for (const name of ['bin', 'etc', 'tmp', 'var/tmp', 'usr/bin'])
    await mkdir(path.join(folder, name), { recursive: true });
  await writeFile(path.join(folder, 'etc/os-release'), 'ID=small\nVERSION_ID="1"\n');
  const container = await buildah('from', 'scratch');
  await buildah('copy', container, folder, '/');
  await buildah('copy', container, '/bin/busybox', '/bin/busybox');
  await buildah('copy', container, '/bin/busybox', '/bin/sh');
  const image = await buildah('commit', container);
  await buildah('rm', container);
  await buildah('push', image, `oci:${path.join(tree.root, 'small')}:1`);
  return 'oci:small:1';
}
