import type { Layer } from '../config/layer.ts';
import type { CheckpointPart } from '../recipe/checkpoint.ts';
import type { Workspace } from '../system/workspace.ts';
import type { ContainerConnection } from './ansible-connection.ts';

/** What a builder works on: a container that `run/` made from the parent and will commit or remove. */
export interface BuildTarget {
  readonly layer: Layer;
  /** Name of the working container. */
  readonly container: string;
  /** Its root, mounted. Nothing is written below it by path: an absolute symlink in the image points at the host. */
  readonly mountPoint: string;
  readonly fromScratch: boolean;
  /** Name of a container of the layer's tools image, whose package manager works on the root. */
  readonly tools?: string;
  /** Absolute paths for what the layer file names relatively: copyfiles sources, playbooks, inventories, gpg key files. */
  resolve(path: string): string;
  /** Of an Ansible layer: a connection that its owner keeps open over several builds; without it, one is opened for this build. */
  readonly connection?: ContainerConnection;
}

/**
 * One way of making a layer: `dnf.ts`, `apt.ts`, `ansible.ts`, … each export one. Works in steps through the workspace and leaves
 * the result in the container. Throws CommandFailure or BuildFailure.
 */
export interface Builder {
  /** Part of every recipe: raise it when an argv changes, or the golden tests fail. */
  readonly stepVersion: number;
  /** All of it in one container. */
  build(target: BuildTarget, workspace: Workspace): Promise<BuildReport>;
  /**
   * The same in parts, in order, those without work left out: each in a container of its own, made from what the part before has
   * committed. Absent where nothing is divided.
   */
  parts?(layer: Layer, fromScratch: boolean): readonly BuildPart[];
}

/** A part of a layer that is committed on its own; what is in it follows from the layer file alone. */
export interface BuildPart {
  readonly name: CheckpointPart | 'commands';
  build(target: BuildTarget, workspace: Workspace): Promise<BuildReport>;
}

/** What a build says about what it used. */
export interface BuildReport {
  /** Of an Ansible layer. */
  readonly trace?: AnsibleTrace;
  /** Package repositories as they were used: URL of the metadata (InRelease, repomd.xml) without credentials → `sha256:…`. */
  readonly repositories?: Readonly<Record<string, string>>;
}

/** Absolute paths that Ansible, its forks included, looked at on this machine while it played; in no order, each once. */
export interface AnsibleTrace {
  readonly read: readonly string[];
  readonly probed: readonly string[];
  readonly listed: readonly string[];
  readonly seen: SeenPaths;
}

/** What was found at any moment: what is otherwise at the end came or went meanwhile. */
interface SeenPaths {
  readonly there: readonly string[];
  readonly absent: readonly string[];
  /** Folders and what was in them, once for each difference; a name has `/` behind it for a folder, `@` for a link. */
  readonly names: readonly (readonly [folder: string, entries: readonly string[]])[];
  /** Made, written, moved or removed by Ansible itself. */
  readonly own: readonly string[];
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
