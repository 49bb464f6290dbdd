import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { removeImageSources } from '../../tool/src/build/apt-image-sources.ts';
import { withoutLogins, writeAuth } from '../../tool/src/build/apt-login.ts';
import { aptNames } from '../../tool/src/build/apt-names.ts';
import { BuildFailure } from '../../tool/src/build/builder.ts';
import { layer } from '../helpers/layers.ts';
import { recordBuild } from './recorded-build.ts';

const KEY = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n';

test('what logs in goes into a file that only root reads', async () => {
  const bare = withoutLogins(
    'deb [a=b] https://me:p%40s@h.example:8443/deb/ sid main\nURIs: http://tok@i.example',
    'x',
  );
  expect(bare.text).toBe('deb [a=b] https://h.example:8443/deb/ sid main\nURIs: http://i.example');
  expect(bare.auth).toEqual([
    'machine https://h.example:8443/deb login me password p@s\n',
    'machine http://i.example login tok password \n',
  ]);
  expect(bare.secrets).toEqual(['p%40s', 'p@s', 'tok']);
  expect(withoutLogins('deb http://h.example/a@b sid main', 'x').auth).toEqual([]);
  expect(() => withoutLogins('deb http://a:b%20c@h sid main', 'x')).toThrow('repository x');
  const folder = await mkdtemp(path.join(os.tmpdir(), 'layers-apt-'));
  const file = path.join(folder, 'auth.conf');
  expect(await writeAuth([{ auth: [] }], file)).toBeUndefined();
  expect(await writeAuth([{ auth: ['machine a\n'] }, { auth: ['machine b\n'] }], file, 'machine c\n')).toBe(file);
  expect(await readFile(file, 'utf8')).toBe('machine a\nmachine b\nmachine c\n');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await rm(folder, { recursive: true });
});

test('keys as text, and where a text given whole gets them', async () => {
  const repos = [
    { alias: 'one', config: 'deb http://a x main\ndeb-src [arch=amd64] http://a x main\n# deb http://b x y', gpg: KEY },
    {
      alias: 'two',
      config: 'Types: deb\nURIs: http://a\nSuites: x\n\nTypes: deb\nSigned-By: /k\nURIs: http://b\n',
      gpg: KEY,
    },
  ];
  const { files } = await recordBuild(layer('l', {}, { repos }), { 'usr/lib/os-release': 'VERSION_CODENAME=x\n' });
  expect(files['apt-sources/one.list']).toBe(
    'deb [signed-by=/etc/apt/keyrings/one.asc] http://a x main\ndeb-src [arch=amd64 signed-by=/etc/apt/keyrings/one.asc] http://a x main\n# deb http://b x y\n',
  );
  expect(files['apt-sources/two.sources']).toBe(
    'Types: deb\nURIs: http://a\nSuites: x\nSigned-By: /etc/apt/keyrings/two.asc\n\nTypes: deb\nSigned-By: /k\nURIs: http://b\n',
  );
  expect(files['apt-sources/one.asc']).toBe(KEY);
  const page = [{ alias: 'page', url: 'http://a', gpg: 'page.html' }];
  await expect(
    recordBuild(
      layer('l', {}, { repos: page }),
      { 'usr/lib/os-release': 'VERSION_CODENAME=x\n' },
      { 'page.html': '<html>' },
    ),
  ).rejects.toThrow('the gpg key of repository page is no OpenPGP key');
});

test('a package is never a removal', () => {
  expect(aptNames(layer('l', {}, { packages: ['g++', 'libstdc++6:amd64=1', 'a-b'], package_groups: ['t'] }))).toEqual([
    't^',
    'g++',
    'libstdc++6:amd64=1',
    'a-b',
  ]);
  expect(() => aptNames(layer('l', {}, { packages: ['bash', 'foo-'] }))).toThrow(BuildFailure);
});

test("the image's own sources go, and nothing outside of its root", async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'layers-apt-'));
  const root = path.join(folder, 'root');
  const outside = path.join(folder, 'outside');
  for (const one of [path.join(root, 'etc/apt/sources.list.d'), outside]) await mkdir(one, { recursive: true });
  for (const name of ['a.list', 'b.sources', 'keep.txt'])
    await writeFile(path.join(root, 'etc/apt/sources.list.d', name), '');
  await writeFile(path.join(outside, 'x.list'), '');
  await symlink(path.join(outside, 'x.list'), path.join(root, 'etc/apt/sources.list'));
  await removeImageSources(root);
  expect(await readdir(path.join(root, 'etc/apt'))).toEqual(['sources.list.d']);
  expect(await readdir(path.join(root, 'etc/apt/sources.list.d'))).toEqual(['keep.txt']);
  expect(await readdir(outside)).toEqual(['x.list']);
  // A folder that is a link to the host's stays what it is.
  await rm(path.join(root, 'etc/apt'), { recursive: true });
  await symlink(outside, path.join(root, 'etc/apt'));
  await removeImageSources(root);
  expect(await readdir(outside)).toEqual(['x.list']);
  await rm(folder, { recursive: true });
});
