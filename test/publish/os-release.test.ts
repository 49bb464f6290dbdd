import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseOsRelease, readOsRelease } from '../../tool/src/publish/os-release.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'layers-os-release-'));
  await mkdir(path.join(root, 'etc'));
});
afterEach(() => rm(root, { recursive: true }));

const release = async (text: string) => {
  await writeFile(path.join(root, 'etc/os-release'), text);
  return readOsRelease(root);
};

test('quotes, an equals sign in a value, comments, spaces at the end', () => {
  const text = `# comment\nNAME="A = B"\nID='rocky'  \nBUG_URL=https://x/?a=b\nPRETTY="say \\"hi\\" \\$x"\nempty=\nnot a line\n`;
  expect(Object.fromEntries(parseOsRelease(text))).toEqual({
    NAME: 'A = B',
    ID: 'rocky',
    BUG_URL: 'https://x/?a=b',
    PRETTY: 'say "hi" $x',
    empty: '',
  });
});

test('lower case, whatever the file says', async () => {
  expect(await release('ID="Rocky"\nVERSION_ID="9.4-RC"\n')).toEqual({ id: 'rocky', version: '9.4-rc' });
});

test('rolling releases have no version', async () => {
  expect(await release('ID=debian\n')).toEqual({ id: 'debian', version: '' });
});

test('what could leave the bucket’s folder is refused', async () => {
  await expect(release('ID=../x\n')).rejects.toThrow(/cannot be part of a key/);
  await expect(release('ID=debian\nVERSION_ID=..\n')).rejects.toThrow(/cannot be part of a key/);
});

test('an absolute link is the image’s, not the host’s', async () => {
  await mkdir(path.join(root, 'usr/lib'), { recursive: true });
  await writeFile(path.join(root, 'usr/lib/os-release'), 'ID=mine\n');
  await symlink('/usr/lib/os-release', path.join(root, 'etc/os-release'));
  expect((await readOsRelease(root)).id).toBe('mine');
});

test('an image without one: a hint', async () => {
  await expect(readOsRelease(root)).rejects.toMatchObject({ name: 'PublishFailure', hint: expect.any(String) });
});
