import { expect, test } from 'vitest';
import { forBuild, forImage, keyUrls } from '../../tool/src/build/zypper-repo-text.ts';

const CHECKED = '[own]\nname=own\nbaseurl=https://rpm.example/own\ngpgcheck=1\ngpgkey=file:///etc/pki/key\n';

test('a repository with a key: packages are checked, whatever the metadata is', () => {
  expect(forImage(CHECKED, false)).toBe(`${CHECKED}autorefresh=1\nrepo_gpgcheck=0\npkg_gpgcheck=1\n`);
});

test('a text that was given whole says itself what is checked', () => {
  expect(forImage(`${CHECKED}autorefresh=0\n`, true)).toBe(`${CHECKED}autorefresh=0\n`);
});

test('without a key nothing is checked, also where zypp.conf asks for it', () => {
  const text = '[own]\nbaseurl=https://rpm.example/own\ngpgcheck=0\n';
  expect(forImage(text, false)).toBe(`${text}autorefresh=1\nrepo_gpgcheck=0\npkg_gpgcheck=0\n`);
});

test('a login goes into the URLs, as zypper knows no settings for it', () => {
  const text =
    '[own]\nbaseurl=https://rpm.example/a\n  https://rpm.example/b\ngpgkey=https://rpm.example/key\ngpgcheck=1\nusername=me\npassword=a@b:c\n';
  expect(forImage(text, true)).toBe(
    '[own]\nbaseurl=https://me:a%40b%3Ac@rpm.example/a\n  https://me:a%40b%3Ac@rpm.example/b\ngpgkey=https://rpm.example/key\ngpgcheck=1\nautorefresh=1\n',
  );
});

test('for a build: packages are kept, keys are looked for below the root, gpgcheck of the layer counts for all', () => {
  const two = `# ours\n[main]\n[a]\nbaseurl = https://rpm.example/a\n\n${CHECKED}`;
  expect(forBuild(two, true, '/mnt')).toBe(
    '[main]\nkeeppackages=1\n\n[a]\nbaseurl=https://rpm.example/a\nkeeppackages=1\n\n[own]\nname=own\nbaseurl=https://rpm.example/own\ngpgcheck=1\ngpgkey=file:///mnt/etc/pki/key\nkeeppackages=1\n',
  );
  expect(forBuild(CHECKED, false)).toContain('gpgcheck=0\n');
  expect(forBuild(CHECKED, false)).not.toContain('gpgcheck=1\n');
  expect(forBuild('[a]\nbaseurl=x\ngpgcheck=0\n', 'strict')).toContain(
    '\ngpgcheck=1\nkeeppackages=1\npkg_gpgcheck=1\n',
  );
});

test('keys of what is checked', () => {
  const off = '[off]\nbaseurl=x\ngpgcheck=0\ngpgkey=https://rpm.example/other\n';
  const several = '[b]\nbaseurl=x\ngpgkey=https://rpm.example/1\n  https://rpm.example/2\n';
  expect(keyUrls(`${CHECKED}${off}${several}`)).toEqual([
    'file:///etc/pki/key',
    'https://rpm.example/1',
    'https://rpm.example/2',
  ]);
});
