import { lstat, mkdir, open, rename, stat, utimes } from 'node:fs/promises';
import PQueue from 'p-queue';
import { syncFile } from '../system/files.ts';
import type { Workspace } from '../system/workspace.ts';
import { PublishFailure } from './publisher.ts';

/**
 * One at a time: mksquashfs uses every core and a quarter of the memory, so that several at once finish no sooner and can
 * exhaust the machine.
 */
const squashing = new PQueue({ concurrency: 1 });

/** Fixed time of creation, so that one image and one set of options give equal bytes. */
const FIXED_TIME = ['-mkfs-time', '0'];
const MOUNT_POINTS = ['dev', 'proc', 'run', 'sys'];
const PROGRESS_MS = 500;

/**
 * Makes `target` from the tree at `root`, the mount of a container that is thrown away afterwards. The file has its name only when it is whole: mksquashfs succeeded, read every file, wrote
 * a superblock that fits the file's size, and the content is on the disk. Throws CommandFailure and PublishFailure.
 */
export async function makeSquashfs(
  root: string,
  target: string,
  options: readonly string[],
  workspace: Workspace,
): Promise<void> {
  await squashing.add(() => squash(root, target, options, workspace), { signal: workspace.signal });
}

async function squash(root: string, target: string, options: readonly string[], workspace: Workspace): Promise<void> {
  await completeRoot(root);
  const temporary = `${target}.tmp`;
  const args = [root, temporary, ...options, '-noappend', '-no-progress'];
  if (!options.some((option) => /^-(mkfs|fs|all)-?time$/.test(option))) args.push(...FIXED_TIME);
  const unread: string[] = [];
  const timer = setInterval(() => {
    stat(temporary).then(
      ({ size }) => workspace.progress('squashfs', size),
      () => undefined,
    );
  }, PROGRESS_MS);
  try {
    await workspace.exec('mksquashfs', args, {
      collect: false,
      // mksquashfs refuses to be told a time in both ways.
      env: { SOURCE_DATE_EPOCH: undefined },
      onLine: (line) => {
        if (/failed to read|creating empty file|cannot open/i.test(line)) unread.push(line.trim());
      },
    });
  } finally {
    clearInterval(timer);
  }
  // mksquashfs stores an empty file in place of one that it cannot read, and succeeds.
  if (unread.length > 0) throw new PublishFailure(`mksquashfs could not read the whole image: ${unread[0]}`);
  await checkSuperblock(temporary);
  await syncFile(temporary);
  await rename(temporary, target);
}

/**
 * Makes what an initramfs mounts on and an image from a few copied files may lack. The root folder itself is new in each
 * container: it gets a time that is the image's. Names directly in the root cannot lead elsewhere.
 */
async function completeRoot(root: string): Promise<void> {
  const times = await lstat(`${root}/etc`).catch(() => undefined);
  const time = new Date(times?.mtimeMs ?? 0);
  for (const name of MOUNT_POINTS) {
    const there = await lstat(`${root}/${name}`).catch(() => undefined);
    if (there !== undefined) continue;
    await mkdir(`${root}/${name}`, { mode: 0o755 });
    await utimes(`${root}/${name}`, time, time);
  }
  await utimes(root, time, time);
}

/** Layout of the superblock: Documentation/filesystems/squashfs.rst and fs/squashfs/squashfs_fs.h of Linux. */
async function checkSuperblock(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(96), 0, 96, 0);
    const { size } = await handle.stat();
    const isWhole =
      bytesRead === 96 &&
      buffer.readUInt32LE(0) === 0x73717368 &&
      buffer.readUInt16LE(28) === 4 &&
      buffer.readBigUInt64LE(40) <= BigInt(size);
    if (!isWhole) throw new PublishFailure(`mksquashfs left a file that is no whole squashfs (${size} bytes)`);
  } finally {
    await handle.close();
  }
}
