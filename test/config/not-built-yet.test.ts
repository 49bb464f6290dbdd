import { expect, test } from 'vitest';
import { notBuiltYet } from '../../tool/src/config/not-built-yet.ts';
import { BASE, layerOf } from './reading.ts';

const named = (text: string) =>
  notBuiltYet(layerOf(text)).map(({ code, severity, message }) => `${severity} ${code} ${message}`);

test('all that this version only reads', () => {
  const text = `${BASE.replace('apt', 'zypper')}  install_scap: true
  architectures: [amd64, arm64]
modules: {enable: x}
exclusive_repos: [{alias: a, url: http://a, gpg: http://k}]
openscap: [{profile: x}]
`;
  expect(named(text)).toEqual(
    [
      '`pkg_manager: zypper`',
      '`modules`',
      '`exclusive_repos`',
      '`install_scap`',
      '`openscap`',
      'more than one of `architectures`',
    ].map((what) => `error not-supported-yet ${what} cannot be built by this version yet`),
  );
});

test('what it builds', () => {
  expect(named(`${BASE}  architectures: amd64\n`)).toEqual([]);
});
