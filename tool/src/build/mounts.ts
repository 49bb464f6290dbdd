import { lstat, rmdir, stat, unlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { parseMount } from '../config/mounts.ts';
import type { Buildah, RunInContainer } from '../system/buildah.ts';
import { resolveInRoot } from '../system/in-root.ts';
import { type Builder, BuildFailure, type BuildTarget } from './builder.ts';

/** A file or folder of this machine that is lent to what runs inside. */
export interface BoundMount {
  /** Absolute. */
  readonly source: string;
  /** Absolute, as programs inside see it. */
  readonly dest: string;
  readonly isWritable: boolean;
}

/** The mounts of a layer. */
export function boundMounts({ layer, resolve }: Pick<BuildTarget, 'layer' | 'resolve'>): BoundMount[] {
  return layer.options.mounts.flatMap((text) => {
    const mount = parseMount(text);
    return mount === undefined ? [] : [{ source: resolve(mount.src), dest: mount.dest, isWritable: mount.isWritable }];
  });
}

/** The builder, with the layer's mounts in every container that it runs something in. */
export function withLayerMounts(builder: Builder): Builder {
  const mounted =
    (build: Builder['build']): Builder['build'] =>
    (target, workspace) =>
      build(target, { ...workspace, buildah: mounting(workspace.buildah, boundMounts(target)) });
  const { parts } = builder;
  return {
    ...builder,
    build: mounted(builder.build),
    ...(parts && {
      parts: (layer, fromScratch) => parts(layer, fromScratch).map((part) => ({ ...part, build: mounted(part.build) })),
    }),
  };
}

/** A door that has `mounts` in whatever container it runs something, and leaves nothing of them there. */
export function mounting(buildah: Buildah, mounts: readonly BoundMount[]): Buildah {
  if (mounts.length === 0) return buildah;
  return {
    ...buildah,
    async run(container, argv, options: RunInContainer = {}) {
      const root = await buildah.mount(container);
      return withMountPoints(root, mounts, (volumes) =>
        buildah.run(container, argv, { ...options, volumes: [...(options.volumes ?? []), ...volumes] }),
      );
    },
  };
}

/**
 * Runs `work` with the mounts as `HOST:INSIDE:OPTIONS` for a container with this root; the mount points that buildah makes for them
 * are taken away afterwards. Destinations come with all links resolved within the root: buildah would follow an absolute one to
 * this machine. `below`: where the container sees the root, if it is not its own. Throws BuildFailure for what cannot be mounted.
 */
export async function withMountPoints<T>(
  root: string,
  mounts: readonly BoundMount[],
  work: (volumes: readonly string[]) => Promise<T>,
  below = '',
): Promise<T> {
  const points: MountPoint[] = [];
  for (const mount of mounts) points.push(await mountPoint(root, mount));
  const volumes = mounts.map(({ source, isWritable }, index) => {
    return `${source}:${below}${points[index]?.inside}:${isWritable ? 'rw' : 'ro'}`;
  });
  try {
    return await work(volumes);
  } finally {
    for (const point of points.toReversed()) await takeAway(point);
  }
}

interface MountPoint {
  /** Where it is mounted: a path of the root in which nothing is a link. */
  readonly inside: string;
  /** What of that is not there yet, the innermost first. */
  readonly absent: readonly string[];
  /** The folder that is there, and its times. */
  readonly above: { readonly folder: string; readonly atime: Date; readonly mtime: Date };
}

async function mountPoint(root: string, { source, dest }: BoundMount): Promise<MountPoint> {
  if ((await stat(source).catch(() => undefined)) === undefined) {
    throw new BuildFailure(`mounts: ${source} is not there`);
  }
  const missing: string[] = [];
  let inside = path.posix.normalize(dest);
  let found = await resolveInRoot(root, inside);
  while (found === undefined) {
    missing.unshift(path.posix.basename(inside));
    inside = path.posix.dirname(inside);
    found = await resolveInRoot(root, inside);
  }
  const place = path.join('/', path.relative(root, found), ...missing);
  const [first] = missing;
  const isLink = first !== undefined && (await lstat(path.join(found, first)).catch(() => undefined)) !== undefined;
  if (isLink || (first !== undefined && !(await stat(found)).isDirectory())) {
    throw new BuildFailure(`mounts: ${dest} leads through a link to nothing, or through a file, in the image`);
  }
  const absent = missing.map((_, index) => path.join(found, ...missing.slice(0, missing.length - index)));
  const folder = first === undefined ? path.dirname(found) : found;
  const { atime, mtime } = await stat(folder);
  return { inside: place, absent, above: { folder, atime, mtime } };
}

/** What something was put into by now stays. */
async function takeAway({ absent, above }: MountPoint): Promise<void> {
  if (absent.length === 0) return;
  for (const made of absent) if (!(await removeEmpty(made))) return;
  // As if nothing had been made there.
  await utimes(above.folder, above.atime, above.mtime);
}

/** False where something is, and stays. */
async function removeEmpty(place: string): Promise<boolean> {
  const stats = await lstat(place).catch(() => undefined);
  if (stats === undefined) return true;
  try {
    if (stats.isDirectory()) await rmdir(place);
    else if (stats.isFile() && stats.size === 0) await unlink(place);
    else return false;
    return true;
  } catch {
    return false;
  }
}
