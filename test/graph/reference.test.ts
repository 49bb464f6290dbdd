import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { normaliseReference, parseReference } from '../../tool/src/graph/reference.ts';

const DIGEST = `sha256:${'0'.repeat(64)}`;

describe('references', () => {
  test.each([
    ['reg.example/base', 'reg.example/base:latest'],
    ['docker://reg.example:5000/hpc/base:1', 'reg.example:5000/hpc/base:1'],
    ['reg.example:5000/base', 'reg.example:5000/base:latest'],
    ['REG.example/base:V1', 'reg.example/base:V1'],
    ['reg.example/base/', 'reg.example/base:latest'],
    ['base', 'base:latest'],
    ['localhost/base:1', 'localhost/base:1'],
    [`reg.example/base:1@${DIGEST}`, `reg.example/base@${DIGEST}`],
    ['oci:./images//base:1', 'oci:images/base:1'],
    ['oci:/srv/images/base', 'oci:/srv/images/base:latest'],
    ['oci:../images/base:1', 'oci:../images/base:1'],
    ['containers-storage:localhost/base:1', 'containers-storage:localhost/base:1'],
  ])('%s', (text, normal) => {
    expect(normaliseReference(text)).toBe(normal);
  });

  test.each(['', 'Upper', 'a b', 'a:', 'a:-x', 'reg/a@sha256:1', 'a//b', 'oci:', '-a', 'http://a/b'])(
    '%j is none',
    (text) => {
      expect(parseReference(text)).toBeUndefined();
    },
  );
});

const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const host = fc.oneof(
  fc.constant(''),
  word.map((name) => `${name}.example/`),
  fc.tuple(word, fc.nat(65535)).map(([name, port]) => `${name}:${port}/`),
);
const repository = fc
  .tuple(host, fc.array(word, { minLength: 1, maxLength: 3 }))
  .map(([first, names]) => first + names.join('/'));
const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}$/);

describe('for every reference', () => {
  test('normalising again changes nothing', () => {
    fc.assert(
      fc.property(repository, fc.option(tag), fc.constantFrom('', 'docker://'), (name, version, transport) => {
        const normal = normaliseReference(`${transport}${name}${version === null ? '' : `:${version}`}`);
        expect(normaliseReference(normal)).toBe(normal);
        expect(normal).toBe(`${name}:${version ?? 'latest'}`);
      }),
    );
  });

  test('other texts are left as they are, and nothing throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const normal = normaliseReference(text);
        expect(normaliseReference(normal)).toBe(normal);
      }),
    );
  });

  test('folders of layouts have one spelling', () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), tag, (names, version) => {
        const expected = `oci:${names.join('/')}:${version}`;
        expect(normaliseReference(`oci:./${names.join('//')}:${version}`)).toBe(expected);
        expect(normaliseReference(`oci:${names.join('/./')}:${version}`)).toBe(expected);
      }),
    );
  });
});
