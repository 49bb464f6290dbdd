import type { DiskPath } from './names.ts';

/** A file and what records call it. */
export interface NamedFile {
  readonly name: string;
  /** Absolute. */
  readonly path: DiskPath;
}
