import type { Layer } from '../config/layer.ts';
import type { Workspace } from '../system/workspace.ts';

/** What a builder works on: a container that `run/` made from the parent and will commit or remove. */
export interface BuildTarget {
  readonly layer: Layer;
  /** Name of the working container. */
  readonly container: string;
  /** Its root, mounted. Nothing is written below it by path: an absolute symlink in the image points at the host. */
  readonly mountPoint: string;
  readonly fromScratch: boolean;
  /** Absolute paths for what the layer file names relatively: copyfiles sources, playbooks, inventories, gpg key files. */
  resolve(path: string): string;
}

/**
 * One way of making a layer: `dnf.ts`, `apt.ts`, `ansible.ts`, … each export one. Works in steps through the workspace and leaves
 * the result in the container. Throws CommandFailure or BuildFailure.
 */
export interface Builder {
  /** Part of every recipe: raise it when an argv changes, or the golden tests fail. */
  readonly stepVersion: number;
  build(target: BuildTarget, workspace: Workspace): Promise<void>;
}

/** A build that cannot work, in words for the user. */
export class BuildFailure extends Error {
  override readonly name = 'BuildFailure';
  readonly hint?: string;
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    if (options.hint !== undefined) this.hint = options.hint;
  }
}
