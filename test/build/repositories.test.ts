import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listName } from '../../tool/src/build/apt-metadata.ts';
import { declaredMetadata } from '../../tool/src/build/declared-metadata.ts';
import { addDnfMetadata } from '../../tool/src/build/dnf-metadata.ts';
import { parseRepoFile, possibleVariables } from '../../tool/src/build/dnf-repo-config.ts';
import { parseQuery, parseSimulation } from '../../tool/src/build/outdated-packages.ts';
import { collectRepositories, metadataDigest, publicUrl } from '../../tool/src/build/repositories.ts';
import { layer } from '../helpers/layers.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-repositories-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('no URL is recorded with what opens a door', () => {
  expect(publicUrl('https://user:p@ss@deb.example:8443/debian/InRelease')).toBe(
    'https://deb.example:8443/debian/InRelease',
  );
  expect(publicUrl('https://x.example/os?token=abc&arch=x86_64')).toBe('https://x.example/os?arch=x86_64');
  expect(publicUrl('https://x.example/os?c29tZXNlY3JldA')).toBe('https://x.example/os');
  expect(publicUrl('https://m.example/metalink?repo=el-9&arch=x86_64')).toBe(
    'https://m.example/metalink?repo=el-9&arch=x86_64',
  );
  expect(publicUrl('file:///srv/a@b/repodata/repomd.xml')).toBe('file:///srv/a@b/repodata/repomd.xml');
});

test('the report is sorted, and of one place the last use counts', () => {
  const used = collectRepositories();
  used.add('http://z.example/InRelease', Buffer.from('1'));
  used.add('http://u:p@a.example/InRelease', Buffer.from('1'));
  used.add('http://z.example/InRelease', Buffer.from('2'));
  const report = used.report();
  expect(Object.entries(report)).toEqual([
    ['http://a.example/InRelease', metadataDigest(Buffer.from('1'))],
    ['http://z.example/InRelease', `sha256:${createHash('sha256').update('2').digest('hex')}`],
  ]);
});

test('apt keeps files under names made of their URLs', () => {
  expect(listName('http://user:pw@deb.example:80/debian/dists/a~b/InRelease')).toBe(
    'deb.example:80_debian_dists_a%7eb_InRelease',
  );
  expect(listName('file:/srv/my_repo/./Release')).toBe('_srv_my%5frepo_._Release');
  expect(listName('file:///srv/r/./Release')).toBe('_srv_r_._Release');
});

const REPO_FILE = `# of a distribution
[main]
baseurl=http://main.example
[base]
name=Base $releasever
baseurl = http://rpm.example/$releasever/$basearch/os/
  http://second.example/
enabled=True
[updates]
mirrorlist=http://mirrors.example/?repo=u-\${releasever}
baseurl=http://rpm.example/updates
[off]
metalink=http://m.example/off
enabled=0
[nowhere]
name=Nowhere
`;

test('of a .repo file what decides where its repositories are', () => {
  expect(parseRepoFile(REPO_FILE)).toEqual([
    { id: 'base', isEnabled: true, place: { kind: 'baseurl', url: 'http://rpm.example/$releasever/$basearch/os/' } },
    {
      id: 'updates',
      isEnabled: true,
      place: { kind: 'mirrorlist', url: `http://mirrors.example/?repo=u-\${releasever}` },
    },
    { id: 'off', isEnabled: false, place: { kind: 'metalink', url: 'http://m.example/off' } },
  ]);
});

test("dnf's cache says which release was meant; other layers' repositories in it do not count", async () => {
  const put = async (id: string, place: string, text: string): Promise<string> => {
    const cached = path.join(
      folder,
      `${id}-${createHash('sha256').update(place).digest('hex').slice(0, 16)}`,
      'repodata',
    );
    await mkdir(cached, { recursive: true });
    await writeFile(path.join(cached, 'repomd.xml'), text);
    return path.join(cached, 'repomd.xml');
  };
  await put('base', 'http://rpm.example/9.3/x86_64/os/', 'nine three');
  await put('base', 'http://rpm.example/8/x86_64/os/', 'eight');
  await put('updates', 'http://mirrors.example/?repo=u-9.3', 'updates');
  await put('off', 'http://m.example/off', 'off');
  await put('stranger', 'http://stranger.example/', 'stranger');
  const variables = possibleVariables({ osVersion: '9.3', architecture: 'x64', custom: {} });
  const used = collectRepositories();
  await addDnfMetadata(folder, parseRepoFile(REPO_FILE), variables, used);
  expect(used.report()).toEqual({
    'http://mirrors.example/?repo=u-9.3': metadataDigest(Buffer.from('updates')),
    'http://rpm.example/9.3/x86_64/os/repodata/repomd.xml': metadataDigest(Buffer.from('nine three')),
  });
  // Nothing fits, as by a variable that only dnf knows: what was written last.
  const odd = collectRepositories();
  const newest = await put('base', 'http://elsewhere.example/', 'elsewhere');
  await utimes(newest, 4_000_000_000, 4_000_000_000);
  await addDnfMetadata(folder, parseRepoFile(REPO_FILE).slice(0, 1), [{ basearch: 's390x' }], odd);
  expect(Object.values(odd.report())).toEqual([metadataDigest(Buffer.from('elsewhere'))]);
});

test('what a layer file declares, before anything was built', () => {
  const apt = [
    { alias: 'a', url: 'http://u:p@deb.example/debian', apt_comp: 'main' },
    { alias: 'f', url: 'http://deb.example/flat/', apt_dist: './' },
    { alias: 'l', config: '# deb http://no.example x\ndeb [arch=amd64 trusted=yes] http://line.example stable main\n' },
    { alias: 's', config: 'Types: deb\nURIs: http://one.example\n http://two.example\nSuites: sid\n' },
  ];
  expect(declaredMetadata(layer('l', {}, { repos: apt }), 'bookworm').map(([first]) => first)).toEqual([
    'http://deb.example/debian/dists/bookworm/InRelease',
    'http://deb.example/flat/./InRelease',
    'http://line.example/dists/stable/InRelease',
    'http://one.example/dists/sid/InRelease',
    'http://two.example/dists/sid/InRelease',
  ]);
  const dnf = [
    { alias: 'a', url: 'http://rpm.example/$releasever/os/' },
    { alias: 'b', url: 'http://rpm.example/$stream/os' },
    { alias: 'c', config: REPO_FILE },
  ];
  const rpm = layer('r', { pkg_manager: 'dnf', releasever: '9' }, { repos: dnf.slice(0, 2) });
  expect(declaredMetadata(rpm)).toEqual([['http://rpm.example/9/os/repodata/repomd.xml']]);
  const config = layer('c', { pkg_manager: 'dnf', releasever: '9' }, { repos: dnf.slice(2) });
  expect(declaredMetadata(config)[1]).toEqual(['http://mirrors.example/?repo=u-9']);
});

test('what an upgrade would bring, from what apt and dnf print', () => {
  const apt = `Reading package lists...
Inst libc6 [2.36-9+deb12u9] (2.36-9+deb12u10 Debian:12.9/stable [amd64]) []
Inst new-one (1.0 Debian:12.9/stable [amd64])
Conf libc6 (2.36-9+deb12u10 Debian:12.9/stable [amd64])
`;
  expect(parseSimulation(apt)).toEqual([{ name: 'libc6', from: '2.36-9+deb12u9', to: '2.36-9+deb12u10' }]);
  const dnf = [
    'Last metadata expiration check: 0:00:01 ago',
    'layers-package bash.x86_64 5.2-1',
    '',
    'layers-package x',
  ];
  expect([...parseQuery(dnf)]).toEqual([['bash.x86_64', '5.2-1']]);
});
