import { expect, test } from 'vitest';
import { notBuiltYet } from '../../tool/src/config/not-built-yet.ts';
import { BASE, layerOf } from './reading.ts';

const named = (text: string) =>
  notBuiltYet(layerOf(text)).map(({ code, severity, message }) => `${severity} ${code} ${message}`);

test('all that this version only reads', () => {
  expect(named(`${BASE}  architectures: [amd64, arm64]\n`)).toEqual([
    'error not-supported-yet more than one of `architectures` cannot be built by this version yet',
  ]);
});

test('what it builds', () => {
  expect(named(`${BASE}  architectures: amd64\n`)).toEqual([]);
});
