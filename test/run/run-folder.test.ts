import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import { createRunFolder } from '../../tool/src/run/run-folder.ts';

test('what a layer keeps lies beside its log, for its owner only, and a later one replaces it', async () => {
  const state = await mkdtemp(path.join(os.tmpdir(), 'layers-run-folder-'));
  try {
    const lost: string[] = [];
    const folder = createRunFolder(state, 'run', (message) => lost.push(message));
    const log = folder.openLog('site/base' as LayerId);
    log.line('one');
    log.keep('scan.xml', Buffer.from('<old/>'));
    log.keep('scan.xml', Buffer.from('<new/>'));
    log.close();
    expect((await readdir(folder.path)).toSorted()).toEqual(['site%2Fbase.log', 'site%2Fbase.scan.xml']);
    const kept = path.join(folder.path, 'site%2Fbase.scan.xml');
    expect(await readFile(kept, 'utf8')).toBe('<new/>');
    expect((await stat(kept)).mode & 0o777).toBe(0o600);
    expect(lost).toEqual([]);
  } finally {
    await rm(state, { recursive: true });
  }
});
