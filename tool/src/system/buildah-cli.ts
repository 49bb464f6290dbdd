import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Buildah, RunInContainer } from './buildah.ts';
import { CommandFailure, type CommandOptions, type CommandResult, type Exec } from './command.ts';
import { containerName } from './container-name.ts';
import { parseImageInfo, parseOrigin } from './image-info.ts';
import { importLayout } from './oci-layout.ts';
import { relabelImage } from './relabel.ts';
import { relayed } from './relay.ts';

export interface BuildahSettings {
  /** Arguments before the verb (`--root DIR`). Ansible's connection plugin does not get them: prefer CONTAINERS_STORAGE_CONF. */
  readonly globalArgs?: readonly string[];
  readonly isolation: Buildah['isolation'];
  readonly runId: string;
  /** Id of the layer: in container names, so that what a layer left can be found. */
  readonly layer?: string;
  /** Told of every image that is made by a commit or new labels. */
  readonly made?: (id: string) => Promise<void>;
  /** Folder for small files of single calls; default the system's. */
  readonly temporary?: string;
}

/** How often a call is made again when another process removed an image in the same moment (buildah#5674). */
const ATTEMPTS = 4;
const QUERY: CommandOptions = { quiet: true };

/** Containers of one process in one run never share a number, whichever layer they are for. */
let containers = 0;

/** The storage's door over the buildah program; `exec` decides environment, log and cancellation. */
export function createBuildah(exec: Exec, settings: BuildahSettings): Buildah {
  const { isolation, globalArgs = [] } = settings;
  const buildah = (args: readonly string[], options: CommandOptions = {}) =>
    withoutRaces(() => exec('buildah', [...globalArgs, ...args], options));
  // Chroot isolation has the host's network anyway.
  const network = isolation === 'chroot' ? [] : ['--network', 'host'];
  let store: ReturnType<Buildah['store']> | undefined;

  const skopeo = (args: readonly string[]) => withoutRaces(() => exec('skopeo', args, QUERY));
  const storage = storageOf(globalArgs);

  const runVerb = ['run', '--isolation', isolation, ...network];

  const self: Buildah = {
    globalArgs,
    isolation,
    runCommand: ['buildah', ...globalArgs, ...runVerb],
    async from(image, options = {}) {
      containers += 1;
      const name = containerName(settings.runId, containers, settings.layer);
      const isLayout = image.startsWith('oci:');
      const source = isLayout ? await importLayout(image, { skopeo, storage }) : image;
      const pull = { never: 'never', missing: 'false', always: 'always' }[options.pull ?? 'missing'];
      const args = ['from', '--quiet', '--name', name, '--isolation', isolation, ...network];
      args.push(`--pull=${isLayout ? 'never' : pull}`, ...(options.args ?? []), '--', source);
      await withoutRaces(async () => {
        try {
          return await exec('buildah', [...globalArgs, ...args], { secrets: credentialsIn(options.args) });
        } catch (error) {
          // The container may be there all the same, half made, and have the name of the next attempt.
          await self.remove(name).catch(() => undefined);
          throw error;
        }
      });
      return name;
    },
    async origin(container) {
      const { stdout } = await buildah(['inspect', '--type', 'container', container], QUERY);
      return parseOrigin(stdout);
    },
    async mount(container) {
      const { stdout } = await buildah(['mount', container], QUERY);
      return stdout.trim();
    },
    async unmount(container) {
      await buildah(['umount', container], QUERY);
    },
    run(container, argv, options = {}) {
      const before = [...globalArgs, ...runVerb, ...runArguments(options), '--', container];
      const relay = isolation === 'chroot' ? relayed(argv) : undefined;
      const limits = commandOptions(options);
      const shown = [...before, ...argv];
      // Never again by itself: what runs inside may have done half of its work.
      if (relay === undefined) return exec('buildah', shown, limits);
      return exec('buildah', [...before, ...relay.argv], { ...limits, relay: { mark: relay.mark, shown } });
    },
    async copy(container, sources, destination, args = []) {
      await buildah(['copy', '--quiet', ...args, '--', container, ...sources, destination], QUERY);
    },
    async config(container, args) {
      await buildah(['config', ...args, container], QUERY);
    },
    async commit(container, args = []) {
      const { stdout } = await buildah(['commit', '--quiet', ...args, container], QUERY);
      const id = stdout.trim().replace(/^sha256:/, '');
      await settings.made?.(id);
      return id;
    },
    async relabel(image, labels, changes = {}) {
      const info = await self.inspect(image);
      if (info === undefined) throw new Error(`no image ${image} in local storage`);
      const id = await withTemporary(settings, (folder) =>
        relabelImage({ info, labels, ...changes, folder, skopeo, storage }),
      );
      await settings.made?.(id);
      return id;
    },
    async tag(image, names) {
      if (names.length > 0) await buildah(['tag', image, ...names], QUERY);
    },
    push(image, destination, args = [], limits = {}) {
      return withTemporary(settings, async (folder) => {
        const digestFile = path.join(folder, 'digest');
        const options = { ...limits, secrets: credentialsIn(args), collect: false };
        await buildah(['push', '--quiet', '--digestfile', digestFile, ...args, '--', image, destination], options);
        return (await readFile(digestFile, 'utf8')).trim();
      });
    },
    async inspect(image) {
      const result = await orUndefined(buildah(['inspect', '--type', 'image', '--', image], QUERY));
      return result === undefined ? undefined : parseImageInfo(result.stdout);
    },
    async hasContainer(container) {
      const argv = ['inspect', '--type', 'container', '--format', '{{.Container}}', '--', container];
      return (await orUndefined(buildah(argv, QUERY))) !== undefined;
    },
    async remove(container) {
      await orUndefined(buildah(['rm', '--', container], QUERY));
    },
    async removeImage(image) {
      await orUndefined(buildah(['rmi', '--', image], QUERY));
    },
    store() {
      store ??= buildah(['info'], QUERY).then(({ stdout }) => {
        const info = JSON.parse(stdout) as { store: { GraphRoot: string; GraphDriverName: string } };
        return { graphRoot: info.store.GraphRoot, driver: info.store.GraphDriverName };
      });
      return store;
    },
  };
  return self;
}

function runArguments({ env = {}, volumes = [], extra = [] }: RunInContainer): string[] {
  return [
    ...Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...volumes.flatMap((volume) => ['--volume', volume]),
    ...extra,
  ];
}

/** What is for `exec` of what a caller gave for a run inside. */
function commandOptions({ env: _env, volumes: _volumes, extra: _extra, ...options }: RunInContainer): CommandOptions {
  return options;
}

/** `--creds user:password`, in both spellings. */
function credentialsIn(args: readonly string[] = []): string[] {
  const after = (index: number) => args[index]?.replace(/^--creds=?/, '') || args[index + 1] || '';
  return args.flatMap((argument, index) => (/^--creds(=|$)/.test(argument) ? [after(index)] : []));
}

/** `containers-storage:[driver@root+runroot]`, as skopeo has no `--root`. */
function storageOf(globalArgs: readonly string[]): string {
  const value = (flag: string) => {
    const index = globalArgs.findIndex((argument) => argument === flag || argument.startsWith(`${flag}=`));
    if (index === -1) return '';
    return globalArgs[index]?.slice(flag.length + 1) || (globalArgs[index + 1] ?? '');
  };
  const root = value('--root');
  if (root === '') return 'containers-storage:';
  const driver = value('--storage-driver') || 'overlay';
  return `containers-storage:[${driver}@${root}+${value('--runroot') || root}]`;
}

async function withTemporary<T>(
  { temporary = os.tmpdir() }: BuildahSettings,
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(temporary, 'buildah-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Nothing by that name: no failure for whoever asks, or removes. */
async function orUndefined(work: Promise<CommandResult>): Promise<CommandResult | undefined> {
  try {
    return await work;
  } catch (error) {
    if (
      error instanceof CommandFailure &&
      error.result.tail.some((line) => /not known|no such (image|container)/i.test(line))
    )
      return undefined;
    throw error;
  }
}

async function withoutRaces(work: () => Promise<CommandResult>): Promise<CommandResult> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const raced =
        error instanceof CommandFailure && error.result.tail.some((line) => line.includes('layer not known'));
      if (!raced || attempt === ATTEMPTS) throw error;
      await sleep(200 * attempt);
    }
  }
}
