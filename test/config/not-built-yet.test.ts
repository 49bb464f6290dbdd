import { expect, test } from 'vitest';
import { notBuiltYet } from '../../tool/src/config/not-built-yet.ts';
import { BASE, layerOf } from './reading.ts';

const named = (text: string) =>
  notBuiltYet(layerOf(text)).map(({ code, severity, message }) => `${severity} ${code} ${message}`);

test('all that this version only reads', () => {
  const text = `${BASE.replace('apt', 'zypper')}  architectures: [amd64, arm64]
modules: {enable: x}
`;
  expect(named(text)).toEqual(
    ['`modules` with zypper', 'more than one of `architectures`'].map(
      (what) => `error not-supported-yet ${what} cannot be built by this version yet`,
    ),
  );
});

test('what it builds', () => {
  expect(named(`${BASE}  architectures: amd64\n`)).toEqual([]);
});
