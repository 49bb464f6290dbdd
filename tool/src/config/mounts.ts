/** A file or folder of this machine that steps see inside. */
export interface Mount {
  /** As the layer file says it: absolute, or relative to the root or the layer file. */
  readonly src: string;
  /** Absolute, as programs inside see it. */
  readonly dest: string;
  readonly isWritable: boolean;
}

/** `SRC:DEST`, `SRC:DEST:ro` or `SRC:DEST:rw`, as `--volume` of buildah and podman has it; undefined for anything else. */
export function parseMount(text: string): Mount | undefined {
  const [, src, dest, mode] = /^([^:]+):(\/[^:]*)(?::(ro|rw))?$/.exec(text) ?? [];
  return src === undefined || dest === undefined ? undefined : { src, dest, isWritable: mode === 'rw' };
}
