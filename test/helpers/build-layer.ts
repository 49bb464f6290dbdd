import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { BuildReport } from '../../tool/src/build/builder.ts';
import { builderFor } from '../../tool/src/build/builders.ts';
import type { Layer } from '../../tool/src/config/layer.ts';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import { createExec } from '../../tool/src/system/exec.ts';
import type { ContainerStorage } from './container-storage.ts';
import { type RecordingWorkspace, recordingWorkspace } from './publish-workspace.ts';

type Progressed = [text: string, done?: number, total?: number];

export interface BuiltLayer {
  readonly image: string;
  /** What the builder says it used. */
  readonly report: BuildReport;
  readonly workspace: RecordingWorkspace & { readonly progressed: readonly Progressed[] };
  /** All that was printed. */
  readonly output: readonly string[];
}

export interface BuildPlace {
  readonly storage: ContainerStorage;
  /** Relative paths of the layer start here. */
  readonly root: string;
  /** Package caches, shared by a test's builds. */
  readonly caches: string;
  /** Interrupts the build. */
  readonly signal?: AbortSignal;
}

/**
 * Makes an image of a layer as `run/` does, without keys and records. `check` looks at the root before the commit. The
 * container is removed; a failed build rejects with its failure.
 */
export async function buildLayer(
  layer: Layer,
  parent: string,
  place: BuildPlace,
  check: (root: string) => Promise<void> | void = () => undefined,
): Promise<BuiltLayer> {
  const { storage } = place;
  const output: string[] = [];
  const signal = place.signal === undefined ? {} : { signal: place.signal };
  const made = await recordingWorkspace(storage.folder, { exec: storage.exec });
  const TMPDIR = path.join(made.temporary, 'tmp');
  await mkdir(TMPDIR);
  const exec = createExec({ env: { ...storage.env, TMPDIR }, log: (line) => output.push(line), ...signal });
  const buildah = createBuildah(exec, {
    isolation: 'chroot',
    runId: 'test',
    layer: layer.id,
    temporary: made.temporary,
  });
  const progressed: Progressed[] = [];
  const progress = (...step: Progressed) => void progressed.push(step);
  const workspace = { ...made, exec, buildah, progress, progressed, root: place.root, caches: place.caches };
  const container = await buildah.from(parent, { pull: 'never' });
  try {
    const mountPoint = await buildah.mount(container);
    const resolve = (file: string) => path.resolve(place.root, file);
    const target = { layer, container, mountPoint, fromScratch: parent === 'scratch', resolve };
    const report = await builderFor(layer).build(target, workspace);
    await check(mountPoint);
    return { image: await buildah.commit(container), report, workspace, output };
  } finally {
    // An interrupted door starts nothing any more.
    await createBuildah(storage.exec, { isolation: 'chroot', runId: 'test' }).remove(container);
  }
}

/** What a program prints inside an image, without its last newline. */
export async function printedInside(
  image: string,
  argv: readonly string[],
  { exec }: ContainerStorage,
): Promise<string> {
  const buildah = createBuildah(exec, { isolation: 'chroot', runId: 'look' });
  const container = await buildah.from(image, { pull: 'never' });
  try {
    return (await buildah.run(container, argv)).stdout.trimEnd();
  } finally {
    await buildah.remove(container);
  }
}
