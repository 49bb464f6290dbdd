import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = '/proc/sys/fs/binfmt_misc';

/**
 * Processors whose programs the kernel hands to qemu (binfmt_misc), by qemu's names (`aarch64`), the interpreter opened when it was
 * registered (flag F): only that one is found from within an image.
 */
export function emulatedProcessors(folder = FOLDER): string[] {
  return namesIn(folder).flatMap((name) => {
    const [, processor] = /^qemu-(\w+?)(?:-static)?$/.exec(name) ?? [];
    return processor !== undefined && isUsable(join(folder, name)) ? [processor] : [];
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isUsable(file: string): boolean {
  try {
    const text = readFileSync(file, 'utf8');
    return /^enabled$/m.test(text) && /^flags: \w*F/m.test(text);
  } catch {
    return false;
  }
}
