import { existsSync } from 'node:fs';
import type { Layer } from '../config/layer.ts';
import { parseMount } from '../config/mounts.ts';
import { resolveSource } from './copyfiles.ts';

/** A line of `mounts` whose source is not there. */
export interface MissingMount {
  readonly text: string;
  /** Absolute. */
  readonly source: string;
}

export function missingMounts({ options, file }: Layer, root: string): MissingMount[] {
  const mounts = options.mounts.map((text) => ({
    text,
    source: resolveSource(root, file, parseMount(text)?.src ?? ''),
  }));
  return mounts.filter(({ source }) => !existsSync(source));
}
