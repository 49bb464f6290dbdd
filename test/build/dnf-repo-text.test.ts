import { expect, test } from 'vitest';
import { BuildFailure } from '../../tool/src/build/builder.ts';
import { isRepoFile } from '../../tool/src/build/dnf-repo-config.ts';
import { keysBelow, type RepoFacts, repoText } from '../../tool/src/build/dnf-repo-text.ts';

const textOf = (text: string, facts: Partial<RepoFacts> = {}) =>
  repoText(text, { alias: 'own', gpgcheck: true, ...facts });

test('signatures are checked where there is a key, whatever the file leaves open', () => {
  const file = `# comment
[keyed]
baseurl=http://a
gpgkey=http://a/key
[keyless]
baseurl=http://b
[said]
metalink=http://c
gpgcheck=0
gpgkey=http://c/key
`;
  const { text, unchecked } = textOf(file);
  expect(text).toBe(`[keyed]
baseurl=http://a
gpgkey=http://a/key
gpgcheck=1

[keyless]
baseurl=http://b
gpgcheck=0

[said]
metalink=http://c
gpgcheck=0
gpgkey=http://c/key
`);
  expect(unchecked).toEqual(['keyless', 'said']);
  const keyed = textOf(file, { key: 'file:///k', priority: 7 });
  expect(keyed.unchecked).toEqual([]);
  expect(keyed.text.match(/^gpgcheck=1$/gm)).toHaveLength(3);
  expect(keyed.text.match(/^gpgkey=file:\/\/\/k$/gm)).toHaveLength(1);
  expect(keyed.text.match(/^priority=7$/gm)).toHaveLength(3);
  // `gpgcheck: false` changes no text; the call says it.
  expect(textOf(file, { gpgcheck: false }).unchecked).toEqual([]);
});

test('what logs in moves out of URLs, which dnf prints', () => {
  const { text, secrets } = textOf(
    '[a]\nbaseurl=https://me:p%40s%25s@rpm.example/x?a=1&b=2\n  https://me:p%40s%25s@two.example/\n',
  );
  expect(text).toBe(
    '[a]\nbaseurl=https://rpm.example/x?a=1&b=2\n  https://two.example/\nusername=me\npassword=p@s%s\ngpgcheck=0\n',
  );
  expect(secrets).toEqual(['p@s%s', 'p%40s%25s']);
  expect(textOf('[a]\nbaseurl=https://token-1@rpm.example/\n').secrets).toEqual(['token-1']);
  expect(textOf('[a]\nbaseurl=https://a\npassword=said\n').secrets).toEqual(['said']);
  expect(() => textOf('[a]\nbaseurl=http://a:b@x http://c:d@y\n')).toThrow('log in by different names');
  expect(() => textOf('[a]\nbaseurl=http://a:%0Agpgcheck=0@x\n')).toThrow('percent-encoded');
});

test.each(['<html>not found</html>', '', '[a]\nname=only\n', '[main]\nbaseurl=http://x\n'])(
  'a text that is no repository file is refused: %j',
  (text) => {
    expect(() => textOf(text)).toThrow(BuildFailure);
  },
);

test('on this machine, keys of the image are looked for below its root; repositories are not', () => {
  const text = '[a]\nbaseurl=file:///srv\ngpgkey=file:///etc/k\n  file:///usr/k http://x\nname=file:///\n';
  expect(keysBelow(text, '/mnt')).toBe(
    '[a]\nbaseurl=file:///srv\ngpgkey=file:///mnt/etc/k\n  file:///mnt/usr/k http://x\nname=file:///\n',
  );
});

test('URLs of .repo files', () => {
  expect(isRepoFile('https://u:p@x.example/rhel9/cuda.repo?a=1')).toBe(true);
  for (const url of ['https://x.example/a.repo/os', 'https://x.example/?f=a.repo', '/etc/a.repo'])
    expect(isRepoFile(url), url).toBe(false);
});
