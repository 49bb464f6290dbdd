import { expect, test } from 'vitest';
import { plainScalar } from '../../tool/src/config/yaml-scalar.ts';

// What PyYAML 6 gives for each.
test.each([
  ['', null],
  ['~', null],
  ['null', null],
  ['nULL', 'nULL'],
  ['yes', true],
  ['Off', false],
  ['y', 'y'],
  ['truE', 'truE'],
  ['0', 0],
  ['12', 12],
  ['-7', -7],
  ['+7', 7],
  ['1_000', 1000],
  ['0644', 420],
  ['08', '08'],
  ['0x1F', 31],
  ['0b101', 5],
  ['0o17', '0o17'],
  ['8.10', 8.1],
  ['1.', 1],
  ['.5', 0.5],
  ['1.5e+3', 1500],
  ['1.5e3', '1.5e3'],
  ['12e4', '12e4'],
  ['1:30', 90],
  ['190:20:30', 685230],
  ['1:99', '1:99'],
  ['.inf', '.inf'],
  ['.', '.'],
  ['-', '-'],
  ['1.2.3', '1.2.3'],
  ['2026-01-31', '2026-01-31'],
])('%s', (source, value) => {
  expect(plainScalar(source)).toBe(value);
});
