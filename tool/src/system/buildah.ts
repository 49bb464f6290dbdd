import type { CommandOptions, CommandResult } from './command.ts';

export interface RunInContainer
  extends Pick<
    CommandOptions,
    'onLine' | 'accept' | 'input' | 'collect' | 'idleMs' | 'totalMs' | 'signal' | 'secrets' | 'quiet'
  > {
  readonly env?: Readonly<Record<string, string>>;
  /** `HOST:CONTAINER[:OPTIONS]`. */
  readonly volumes?: readonly string[];
  /** More arguments of `buildah run`, before the container's name. */
  readonly extra?: readonly string[];
}

/** The `config` of an OCI image configuration: how its containers start. */
export type ImageSettings = Readonly<Record<string, unknown>>;

export interface ImageInfo {
  /** Full image id (hex, no `sha256:`). */
  readonly id: string;
  readonly digest: string;
  /** Bytes in storage, all layers. */
  readonly size: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly env: readonly string[];
  readonly architecture: string;
  readonly diffIds: readonly string[];
  /** The OCI image configuration, parsed. */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * The container storage's door: buildah by argv. Isolation was probed once; every container it makes carries the run's id in its
 * name. All methods throw CommandFailure.
 */
export interface Buildah {
  /** Arguments that every call begins with (`--root`, `--runroot`, …), for programs that call buildah themselves. */
  readonly globalArgs: readonly string[];
  readonly isolation: 'oci' | 'chroot' | 'rootless';
  /** Makes a working container; `image` may be `scratch`, an id, or a reference with transport. Gives its name. */
  from(
    image: string,
    options?: { readonly pull?: 'never' | 'missing' | 'always'; readonly args?: readonly string[] },
  ): Promise<string>;
  /** What a working container has from the image that it was made from; `created` (ISO 8601) where that says it. */
  origin(container: string): Promise<{ readonly labels: Readonly<Record<string, string>>; readonly created?: string }>;
  mount(container: string): Promise<string>;
  unmount(container: string): Promise<void>;
  /** Runs argv inside, never through a shell unless argv names one. */
  run(container: string, argv: readonly string[], options?: RunInContainer): Promise<CommandResult>;
  /** argv of `run` up to the options, for programs that call it themselves: more options may follow, then `--`, the container and argv. */
  readonly runCommand: readonly string[];
  copy(container: string, sources: readonly string[], destination: string, args?: readonly string[]): Promise<void>;
  config(container: string, args: readonly string[]): Promise<void>;
  /** Commits without a name; gives the full image id. */
  commit(container: string, args?: readonly string[]): Promise<string>;
  /**
   * An image with exactly the file system layers of `image` and these labels; gives its id. `created` (ISO 8601) becomes the time
   * of the image and of its last layer, whose history then says nothing of this machine; `settings` makes its `config` of the
   * one it has.
   */
  relabel(
    image: string,
    labels: Readonly<Record<string, string>>,
    changes?: { readonly created?: string; readonly settings?: (config: ImageSettings) => ImageSettings },
  ): Promise<string>;
  tag(image: string, names: readonly string[]): Promise<void>;
  /** Pushes to a reference with transport; gives the manifest's digest. It prints nothing on the way, so only a total limit means anything. */
  push(
    image: string,
    destination: string,
    args?: readonly string[],
    limits?: Pick<CommandOptions, 'totalMs'>,
  ): Promise<string>;
  /** Undefined when the storage holds no such image. */
  inspect(image: string): Promise<ImageInfo | undefined>;
  hasContainer(container: string): Promise<boolean>;
  remove(container: string): Promise<void>;
  removeImage(image: string): Promise<void>;
  /** Folder of the image store and its driver: an image is there when `<graphRoot>/<driver>-images/<id>` is. */
  store(): Promise<{ readonly graphRoot: string; readonly driver: string }>;
}
