import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';

/**
 * Writes `data` to `file` so that after a crash or a power loss the file is whole: the old one or the new one.
 * The folder must exist; the temporary file lies beside the target, as a rename works only within a file system.
 */
export async function writeFileAtomic(
  file: string,
  data: string | Uint8Array,
  options: { readonly mode?: number } = {},
): Promise<void> {
  const temporary = temporaryNameBeside(file);
  try {
    const handle = await open(temporary, 'wx', options.mode ?? 0o644);
    try {
      await handle.writeFile(data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
    await syncFolder(path.dirname(file));
  } catch (error) {
    await rm(temporary, { force: true });
    throw withPath(error, file);
  }
}

/** Of a write that fails Node does not say where. */
function withPath(error: unknown, file: string): unknown {
  const isBare = error instanceof Error && 'code' in error && !('path' in error);
  if (isBare) error.message += ` '${file}'`;
  return error;
}

/** A name in the folder of `file` that nobody else uses: `.<name>.<pid>-<random>.tmp`. */
export function temporaryNameBeside(file: string): string {
  const suffix = `${process.pid}-${randomBytes(6).toString('hex')}.tmp`;
  return path.join(path.dirname(file), `.${path.basename(file)}.${suffix}`);
}

/** Makes what was renamed, linked or removed in `folder` survive a power loss. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes the content of a file that another program wrote survive a power loss. */
export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
