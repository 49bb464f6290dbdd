import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeFileAtomic } from '../../tool/src/system/files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('the file is replaced whole, with its mode, and nothing stays beside it', async () => {
  const file = path.join(folder, 'record.json');
  await writeFileAtomic(file, 'old and long');
  await writeFileAtomic(file, 'new', { mode: 0o600 });
  expect(await readFile(file, 'utf8')).toBe('new');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['record.json']);
});

test('many writers at once: one of them wins whole', async () => {
  const file = path.join(folder, 'record.json');
  const texts = Array.from({ length: 20 }, (_, i) => String(i).repeat(10_000));
  await Promise.all(texts.map((text) => writeFileAtomic(file, text)));
  expect(texts).toContain(await readFile(file, 'utf8'));
  expect(await readdir(folder)).toEqual(['record.json']);
});

test('where it cannot be written, the old file and nothing else is there', async () => {
  await expect(writeFileAtomic(path.join(folder, 'absent/record.json'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
  expect(await readdir(folder)).toEqual([]);
});
