import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { builderFor } from '../../tool/src/build/builders.ts';
import type { Layer } from '../../tool/src/config/layer.ts';
import { toolsImageOf } from '../../tool/src/config/tools-image.ts';
import type { Buildah } from '../../tool/src/system/buildah.ts';
import type { CommandOptions, CommandResult, Exec } from '../../tool/src/system/command.ts';
import type { Workspace } from '../../tool/src/system/workspace.ts';

interface RecordedCall {
  readonly step: string;
  readonly call: readonly unknown[];
}

/** All that a build did: calls in order, and the text of the files that it wrote for them. */
export interface RecordedBuild {
  readonly calls: readonly RecordedCall[];
  readonly files: Readonly<Record<string, string>>;
}

/** The root that a fake container has. */
export type RootFiles = Readonly<Record<string, string>>;

/** Runs the layer's builder against doors that only record. Places of this machine show as `<temporary>` and the like. */
export async function recordBuild(
  layer: Layer,
  root: RootFiles | 'scratch',
  sources: RootFiles = {},
): Promise<RecordedBuild> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'layers-golden-'));
  const place = (name: string) => path.join(folder, name);
  try {
    for (const name of ['temporary', 'caches', 'mount', 'tree']) await mkdir(place(name));
    await fill(place('mount'), root === 'scratch' ? {} : root);
    await fill(place('tree'), sources);
    await fill(place('tools'), { 'usr/bin/dnf': '', 'usr/bin/zypper': '', 'usr/bin/rpm': '' });
    const calls: RecordedCall[] = [];
    const workspace = recordingDoors(folder, calls);
    const target = {
      layer,
      container: 'container',
      mountPoint: place('mount'),
      fromScratch: root === 'scratch',
      ...(toolsImageOf(layer) && { tools: 'tools' }),
      resolve: (file: string) => path.resolve(place('tree'), file),
    };
    await builderFor(layer).build(target, workspace);
    const texts = await readTexts(place('temporary'));
    return JSON.parse(withoutPlaces(JSON.stringify({ calls, files: texts }), folder)) as RecordedBuild;
  } finally {
    await rm(folder, { recursive: true });
  }
}

function recordingDoors(folder: string, calls: RecordedCall[]): Workspace {
  let step = '';
  const record = (...call: unknown[]): CommandResult => {
    calls.push({ step, call });
    return { argv: [], exitCode: 0, signal: null, durationMs: 0, stdout: '', tail: [] };
  };
  const exec: Exec = async (file, args, { env, cwd, input }: CommandOptions = {}) => {
    const result = record('exec', file, args, { env, cwd, input });
    // So that what comes after a playbook sees one that was for its host.
    if (file === 'ansible-playbook')
      await writeFile(env?.LAYERS_ANSIBLE_EVENTS ?? '', '{"event":"play","name":"all"}\n');
    return result;
  };
  const buildah = {
    globalArgs: [],
    isolation: 'chroot',
    runCommand: ['buildah', 'run'],
    mount: async (container) => path.join(folder, container === 'tools' ? 'tools' : 'mount'),
    run: async (container, argv, { env, volumes, extra } = {}) =>
      record('run', container, argv, { env, volumes, extra }),
    copy: async (container, sources, destination, args) => void record('copy', container, sources, destination, args),
  } satisfies Partial<Buildah> as unknown as Buildah;
  return {
    runId: 'run',
    root: path.join(folder, 'tree'),
    temporary: path.join(folder, 'temporary'),
    caches: path.join(folder, 'caches'),
    signal: new AbortController().signal,
    exec,
    buildah,
    step: (name, work) => {
      step = name;
      return work();
    },
    startsFrom: () => undefined,
    say: () => undefined,
    warn: () => undefined,
    growsIn: () => undefined,
    keep: () => undefined,
    progress: () => undefined,
  };
}

function withoutPlaces(text: string, folder: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>')
    .replaceAll(new RegExp(`${folder}/(temporary|caches|mount|tree|tools)`, 'g'), '<$1>')
    .replaceAll(path.resolve(import.meta.dirname, '../..'), '<layers>');
}

async function fill(folder: string, files: RootFiles): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
}

async function readTexts(folder: string): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const name of (await readdir(folder, { recursive: true })).toSorted()) {
    const file = path.join(folder, name);
    if ((await stat(file)).isFile()) texts[name] = await readFile(file, 'utf8');
  }
  return texts;
}
