import { expect, test } from 'vitest';
import { formatLock, type Lock, type LockEntry } from '../../tool/src/config/lock.ts';
import { readPlainLock } from '../../tool/src/config/lock-lines.ts';
import { parseLock } from '../../tool/src/config/lock-parse.ts';

const [a, b, c] = ['a', 'b', 'c'].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string, string];
const lock: Lock = new Map<string, LockEntry>([
  ['site/"odd": #id', { repositories: {} }],
  [
    'debian/base',
    {
      parent: { reference: 'registry.example/debian:12', digest: a },
      tools: { reference: 'registry.example/tools:1', digest: b },
      repositories: { 'http://z.example/InRelease': b, 'http://a.example/x y%20/InRelease': c },
    },
  ],
]);

test('what is written is sorted and read again, with a YAML parser and without', () => {
  const text = formatLock(lock);
  expect(text.split('\n').filter((line) => !line.startsWith('#'))).toEqual([
    'version: 1',
    'layers:',
    '  "debian/base":',
    '    parent:',
    '      reference: "registry.example/debian:12"',
    `      digest: "${a}"`,
    '    tools:',
    '      reference: "registry.example/tools:1"',
    `      digest: "${b}"`,
    '    repositories:',
    `      "http://a.example/x y%20/InRelease": "${c}"`,
    `      "http://z.example/InRelease": "${b}"`,
    '  "site/\\"odd\\": #id":',
    '    repositories: {}',
    '',
  ]);
  expect(readPlainLock(text)).toEqual(lock);
  expect(parseLock(text)).toEqual({ lock, diagnostics: [] });
  expect(parseLock(formatLock(new Map()))).toEqual({ lock: new Map(), diagnostics: [] });
  expect(readPlainLock(formatLock(new Map()))).toEqual(new Map());
});

test('what is not exactly as it is written is left to the YAML parser, which takes it as it is meant', () => {
  const text = formatLock(lock);
  const edited = text.replace('"debian/base":', 'debian/base: # pinned by hand');
  expect(readPlainLock(edited)).toBeUndefined();
  expect(parseLock(edited).lock).toEqual(lock);
  const reordered = text.replace(/( {6}"http:\/\/a.*\n)( {6}"http:\/\/z.*\n)/, '$2$1');
  expect(reordered).not.toBe(text);
  expect(readPlainLock(reordered)).toBeUndefined();
  expect(parseLock(reordered).lock).toEqual(lock);
  for (const broken of [
    text.replace(b, b.slice(0, -1)),
    text.replace('    repositories: {}', ''),
    text.replace('version: 1', 'version: 2'),
    text.replace(/ {6}digest: .*\n/, ''),
    text.replace('      reference', '      name'),
  ]) {
    expect(broken).not.toBe(text);
    expect(readPlainLock(broken)).toBeUndefined();
    expect(parseLock(broken).lock).toBeUndefined();
  }
});

test('a wrong file is refused with the place of each problem', () => {
  const problems = (text: string) =>
    parseLock(text).diagnostics.map(({ file, range, message, severity }) => {
      expect([file, severity]).toEqual(['layers.lock', 'error']);
      return `${range?.line}:${range?.column} ${message}`;
    });
  expect(problems('')).toEqual(['undefined:undefined The file is empty']);
  expect(problems('- a\n')).toEqual(['1:1 layers.lock must be a map']);
  expect(problems('version: 3\nlayers: {}\n')).toEqual(['1:10 `version` must be 1']);
  expect(problems('version: 1\nlayer: {}\n')).toEqual([
    '2:1 Unknown key `layer` in layers.lock',
    '1:1 `layers` is missing',
  ]);
  expect(problems(`version: 1\nlayers:\n  x:\n    repositories:\n      http://u:p@h/InRelease: ${a}\n`)).toEqual([
    '5:7 A repository of x is written with credentials',
  ]);
  expect(problems('version: 1\nlayers:\n  x:\n    repositories:\n      http://h/InRelease: sha256:12\n')).toEqual([
    '5:27 The digest of a repository of x must be sha256: and 64 hex digits',
  ]);
  expect(problems(`version: 1\nlayers:\n  x:\n    parent: {reference: r}\n    repositories: {}\n`)).toEqual([
    '4:5 The parent of x lacks `digest`',
  ]);
  expect(problems('version: 1\nlayers:\n  x: {}\n')).toEqual(['3:3 The entry of x lacks `repositories`']);
  expect(problems(`version: 1\nlayers:\n  x:\n    repositories: {}\n  x:\n    repositories: {}\n`)).toEqual([
    '5:3 `x` is given twice',
  ]);
  expect(problems('version: 1\n<<<<<<< ours\nlayers: {}\n')[0]).toMatch(/^\d+:\d+ /);
});
