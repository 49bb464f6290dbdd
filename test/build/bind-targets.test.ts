import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { withoutBindTargets } from '../../tool/src/build/bind-targets.ts';
import { layer } from '../helpers/layers.ts';

test('an empty file that the layer copies stays, one that buildah made goes', async () => {
  const mountPoint = await mkdtemp(path.join(os.tmpdir(), 'layers-bind-'));
  try {
    await mkdir(path.join(mountPoint, 'etc'));
    const copyfiles = [
      { src: 'empty', dest: '/etc//hostname' },
      { src: 'files/resolv.conf', dest: '/etc/' },
    ];
    const target = {
      layer: layer('l', {}, { copyfiles }),
      container: 'container',
      mountPoint,
      fromScratch: true,
      resolve: (file: string) => file,
    };
    await withoutBindTargets(target, async () => {
      for (const name of ['hostname', 'hosts', 'resolv.conf']) await writeFile(path.join(mountPoint, 'etc', name), '');
    });
    expect((await readdir(path.join(mountPoint, 'etc'))).toSorted()).toEqual(['hostname', 'resolv.conf']);
  } finally {
    await rm(mountPoint, { recursive: true });
  }
});
