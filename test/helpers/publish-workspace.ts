import { mkdir, mkdtemp, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { PublishedImage } from '../../tool/src/publish/publisher.ts';
import type { Buildah } from '../../tool/src/system/buildah.ts';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import type { Exec } from '../../tool/src/system/command.ts';
import type { Workspace } from '../../tool/src/system/workspace.ts';
import { layer } from './layers.ts';

/** A workspace that keeps what it was told. */
export interface RecordingWorkspace extends Workspace {
  readonly warnings: string[];
  readonly lines: string[];
  readonly steps: string[];
  /** What was left beside the log. */
  readonly kept: ReadonlyMap<string, Buffer>;
}

/** `root`, `temporary` and `caches` lie below `folder`, which exists. */
export async function recordingWorkspace(
  folder: string,
  doors: { readonly exec: Exec; readonly buildah?: Buildah; readonly signal?: AbortSignal },
): Promise<RecordingWorkspace> {
  const place = await mkdtemp(path.join(folder, 'workspace-'));
  const [root, temporary, caches] = ['root', 'temporary', 'caches'].map((name) => path.join(place, name));
  for (const one of [root!, temporary!, caches!]) await mkdir(one);
  const [warnings, lines, steps]: string[][] = [[], [], []];
  const kept = new Map<string, Buffer>();
  return {
    runId: 'test',
    root: root!,
    temporary: temporary!,
    caches: caches!,
    signal: doors.signal ?? new AbortController().signal,
    exec: doors.exec,
    buildah: doors.buildah ?? createBuildah(doors.exec, { isolation: 'chroot', runId: 'test', temporary: temporary! }),
    step: (name, work) => {
      steps!.push(name);
      return work();
    },
    growsIn: () => undefined,
    startsFrom: (parts) => void steps!.push(`from ${parts.join(', ')}`),
    say: (line) => lines!.push(line),
    warn: (message) => warnings!.push(message),
    keep: (name, content) => void kept.set(name, Buffer.from(content)),
    kept,
    progress: () => undefined,
    warnings: warnings!,
    lines: lines!,
    steps: steps!,
  };
}

/** What `run/` hands to a publisher, for an image that is in storage and has its labels. `more` replaces members. */
export function publishedImage(
  imageId: string,
  options: Record<string, unknown> = {},
  id = 'test/tiny',
  more: Partial<PublishedImage> = {},
): PublishedImage {
  return {
    layer: layer(id, options),
    contentDigest: `sha256:${'c'.repeat(64)}`,
    recipeKey: 'e'.repeat(64),
    publishKey: 'f'.repeat(64),
    labels: {},
    local: async () => imageId,
    labelled: async () => imageId,
    ...more,
  };
}

/** Files of a root that boots nothing but has all that is looked for. `more`: path → content. */
async function writeTinyRoot(root: string, more: Readonly<Record<string, string | Uint8Array>> = {}): Promise<void> {
  const files: Record<string, string | Uint8Array> = {
    'usr/lib/os-release': 'NAME="Tiny = small"\nID=Tiny\nVERSION_ID="1.5"\n',
    'boot/vmlinuz-6.1.0-9-amd64': 'kernel 9',
    'boot/initrd.img-6.1.0-9-amd64': 'initramfs 9',
    'boot/vmlinuz-6.1.0-18-amd64': 'kernel 18',
    'boot/initrd.img-6.1.0-18-amd64': 'initramfs 18',
    'etc/hostname': 'tiny\n',
    ...more,
  };
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), content);
  }
}

/** An image of `writeTinyRoot`'s files, with `/etc/os-release` as the absolute link that some distributions have. */
export async function buildTinyImage(
  buildah: Buildah,
  folder: string,
  more: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<string> {
  const root = await mkdtemp(path.join(folder, 'tiny-'));
  await writeTinyRoot(root, more);
  await symlink('/usr/lib/os-release', path.join(root, 'etc/os-release'));
  const container = await buildah.from('scratch');
  await buildah.copy(container, [root], '/');
  const id = await buildah.commit(container);
  await buildah.remove(container);
  return id;
}
