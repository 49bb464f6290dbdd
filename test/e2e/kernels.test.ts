import { mkdir, mkdtemp, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBootFiles } from '../../tool/src/publish/boot-files.ts';
import { filePublisher } from '../../tool/src/publish/file.ts';
import { type ContainerStorage, createContainerStorage } from '../helpers/container-storage.ts';
import { publishedImage, type RecordingWorkspace, recordingWorkspace } from '../helpers/publish-workspace.ts';

let storage: ContainerStorage;
let workspace: RecordingWorkspace;
beforeAll(async () => {
  storage = await createContainerStorage();
});
afterAll(() => storage?.[Symbol.asyncDispose]());

/** An image of files that all have one date, as a build's own files have. */
async function image(parent: string, files: readonly string[]): Promise<string> {
  workspace ??= await recordingWorkspace(storage.folder, { exec: storage.exec });
  const folder = await mkdtemp(path.join(storage.folder, 'files-'));
  for (const name of files) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), name.endsWith('os-release') ? 'ID=tiny\nVERSION_ID=1\n' : name);
    await utimes(path.join(folder, name), 1_000_000, 1_000_000);
  }
  const { buildah } = workspace;
  const container = await buildah.from(parent, { pull: 'never' });
  await buildah.copy(container, [folder], '/');
  const id = await buildah.commit(container);
  await buildah.remove(container);
  return id;
}

async function publish(imageId: string, bootKernel = 'newest') {
  workspace = await recordingWorkspace(storage.folder, { exec: storage.exec });
  const published = publishedImage(imageId, {}, 'test/tiny', {
    contentDigest: `sha256:${imageId.replace('sha256:', '')}`,
  });
  const place = { key: '', directory: path.join(storage.folder, 'bucket'), prefix: '', name: 'tiny', tags: ['latest'] };
  const destination = { kind: 'file', ...place, squashfsOptions: [], bootKernel } as const;
  return filePublisher.publish(published, destination, workspace, createBootFiles(published, workspace));
}

const KERNEL = (version: string) => [
  `boot/vmlinuz-${version}`,
  `boot/initramfs-${version}.img`,
  `lib/modules/${version}/modules.dep`,
  `lib/modules/${version}/kernel/ext4.ko`,
];
const BASE = ['usr/lib/os-release', 'etc/os-release', ...KERNEL('5.14-1'), ...KERNEL('5.14-2')];

test('a child adds modules for one kernel only: both warnings before anything is written, and boot_kernel decides', async () => {
  const parent = await image('scratch', BASE);
  const child = await image(parent, ['lib/modules/5.14-1/extra/lustre.ko', 'lib/modules/5.14-1/modules.dep']);
  await publish(parent);
  expect(workspace.warnings).toEqual([]);
  const newest = await publish(child);
  expect(newest.references.some((one) => one.kind === 'kernel' && one.url.endsWith('vmlinuz-5.14-2'))).toBe(true);
  expect(workspace.warnings).toEqual([
    expect.stringMatching(/^only kernel 5\.14-1 has lustre\.ko.*boot_kernel: '5\.14-1'/),
  ]);
  await publish(child, '5.14-1');
  expect(workspace.warnings).toEqual([expect.stringMatching(/modules of kernel 5\.14-1 are newer .* dracut --force/)]);
  const mended = await image(child, ['boot/initramfs-5.14-1.img']);
  await publish(mended, '5.14-1');
  expect(workspace.warnings).toEqual([]);
});

test('no initramfs at all fails before the squash, with what to do', async () => {
  const bare = await image('scratch', ['etc/os-release', 'usr/lib/os-release', 'lib/modules/6.1.0-9-amd64/vmlinuz']);
  await expect(publish(bare)).rejects.toMatchObject({
    message: 'no initramfs in the image for kernel 6.1.0-9-amd64',
    hint: expect.stringContaining('update-initramfs -c -k 6.1.0-9-amd64'),
  });
  expect(workspace.steps).not.toContain('squashfs');
});
