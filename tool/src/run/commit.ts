import type { Stats } from 'node:fs';
import { BuildFailure } from '../build/builder.ts';
import { clampTimes } from '../build/clamp.ts';
import { lostAttributes, lostWarning } from '../build/lost-attributes.ts';
import { removeOverlayNotes } from '../build/overlay-attributes.ts';
import type { ImageInfo } from '../system/buildah.ts';
import type { Workspace } from '../system/workspace.ts';

/** A working container in which nothing runs any more. */
interface Finished {
  readonly container: string;
  readonly mountPoint: string;
  /** ISO 8601: of what it was made from; undefined where that does not say, or is nothing. */
  readonly created: string | undefined;
  /** Milliseconds since 1970: nothing that was written into it is older. */
  readonly since: number;
  /** Whether an entry of the root carries the time of a file of the tree. */
  isCopied(stats: Stats): boolean;
}

export interface Committed {
  readonly info: ImageInfo;
  /** ISO 8601, whole seconds: no file that was written is later, and the image's `created`. Equal for equal inputs. */
  readonly date: string;
}

/**
 * One file system layer more, equal on every machine and day that made it of the same: times are clamped before. The image has no name, and
 * exactly these labels. `meanwhile` reads the root during the commit, which does not change it.
 */
export async function commitContainer<T>(
  { container, mountPoint, created, since, isCopied }: Finished,
  labels: Readonly<Record<string, string>>,
  { buildah, exec, signal, warn }: Workspace,
  meanwhile: () => Promise<T>,
): Promise<readonly [Committed, T]> {
  const parentDate = secondsOf(created);
  const seconds = await clampTimes({ root: mountPoint, since, ...parentDate, isCopied, signal });
  const date = new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
  const lost = lostWarning(await lostAttributes(mountPoint, exec));
  if (lost !== undefined) warn(lost);
  await removeOverlayNotes(mountPoint, exec);
  const [committed, result] = await Promise.all([buildah.commit(container), meanwhile()]);
  const id = await buildah.relabel(committed, labels, { created: date });
  const info = await buildah.inspect(id);
  if (info === undefined) throw new BuildFailure(`buildah committed the image ${id} and does not know it now`);
  return [{ info, date }, result];
}

/** Nothing where a parent does not say when it was made. */
function secondsOf(created: string | undefined): { parentDate?: number } {
  const seconds = Math.floor(Date.parse(created ?? '') / 1000);
  return Number.isNaN(seconds) ? {} : { parentDate: seconds };
}
