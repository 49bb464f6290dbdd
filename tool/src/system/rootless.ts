/**
 * Whether buildah has to be called from inside `buildah unshare`: mounting a container's root needs to be root of a user
 * namespace. Inside it the uid is 0.
 */
export function needsUnshare(uid: number = process.getuid?.() ?? 0): boolean {
  return uid !== 0;
}

/** `argv` as to be executed (by `process.execve`, so that signals and exit code are its own) in a user namespace. */
export function unshareArgv(argv: readonly string[]): string[] {
  return ['buildah', 'unshare', '--', ...argv];
}

/** Whether this process is root only of a user namespace. */
export function isRootless(env: Readonly<Record<string, string | undefined>>): boolean {
  return (
    env._CONTAINERS_USERNS_CONFIGURED !== undefined &&
    env._CONTAINERS_ROOTLESS_UID !== undefined &&
    env._CONTAINERS_ROOTLESS_UID !== '0'
  );
}
