import { BuildFailure } from '../../tool/src/build/builder.ts';
import { CommandFailure } from '../../tool/src/system/command.ts';

/** As Ansible says that nothing came back from a module, which ended well. */
const LOST = /"module_stderr": "", "module_stdout": "", "msg": "MODULE FAILURE[^"]*", "rc": 0/;

/**
 * Builds by the plugin of the collection, to compare with. Under chroot isolation that gets the output of each task from a `buildah run` of its
 * own, which may lose it on a busy machine (tool/src/system/relay.ts): for that alone, and only of the collection, it is built again.
 */
export async function byTheCollection<T>(build: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await build();
    } catch (error) {
      const cause = error instanceof BuildFailure ? error.cause : undefined;
      const isLost = cause instanceof CommandFailure && cause.result.tail.some((line) => LOST.test(line));
      if (!isLost || attempt === 3) throw error;
    }
  }
}
