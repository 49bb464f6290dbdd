import { describe, expect, test } from 'vitest';
import { InvalidInput } from '../../tool/src/config/diagnostic.ts';
import { select } from '../../tool/src/graph/select.ts';
import { link } from './linking.ts';

const { graph } = link({
  'debian/base': { name: 'debian-base' },
  'debian/kernel': { name: 'debian-kernel', parent: 'debian-base' },
  'debian/compute': { name: 'debian-compute', parent: 'debian-kernel' },
  'debian/login': { name: 'debian-login', parent: 'debian-kernel' },
  'debian/gpu': { name: 'debian-gpu', parent: 'debian-compute', manual: true },
  'rocky/base': { name: 'rocky-base' },
});

const picked = (selectors: string[], more: Omit<Parameters<typeof select>[1], 'selectors'> = {}) => {
  const { named, needed } = select(graph, { selectors, ...more });
  expect([...named].every((id) => needed.has(id))).toBe(true);
  const short = (ids: Set<string>) => [...ids].map((id) => id.replace('debian/', '')).join(' ');
  return [short(named), short(needed)];
};

describe('selectors', () => {
  test.each([
    ['debian-compute', 'compute', 'base kernel compute'],
    ['debian/compute', 'compute', 'base kernel compute'],
    ['compute', 'compute', 'base kernel compute'],
    ['layers/debian/compute.yaml', 'compute', 'base kernel compute'],
    ['./layers/debian/compute.yaml', 'compute', 'base kernel compute'],
    ['debian/*', 'base kernel compute gpu login', 'base kernel compute gpu login'],
    ['*-base', 'base rocky/base', 'base rocky/base'],
    ['{debian-login,rocky-base}', 'login rocky/base', 'base kernel login rocky/base'],
    ['debian-compute...', 'base kernel compute', 'base kernel compute'],
    ['...debian-kernel', 'kernel compute login', 'base kernel compute login'],
    ['...debian-compute...', 'base kernel compute', 'base kernel compute'],
    ['debian-gpu', 'gpu', 'base kernel compute gpu'],
  ])('%s', (selector, named, needed) => {
    expect(picked([selector])).toEqual([named, needed]);
  });

  test('none means all without manual layers', () => {
    const all = 'base kernel compute login rocky/base';
    expect(picked([])).toEqual([all, all]);
    expect(picked(['debian-gpu'], { all: true })[0]).toBe('base kernel compute gpu login rocky/base');
  });

  test('only leaves out what was not named', () => {
    expect(picked(['debian-compute'], { only: true })).toEqual(['compute', 'compute']);
  });

  test('what is excluded takes along what stands on it', () => {
    expect(picked([], { exclude: ['debian-kernel'] })).toEqual(['base rocky/base', 'base rocky/base']);
    expect(picked(['...debian-kernel', 'debian-gpu'], { exclude: ['debian-compute'] })).toEqual([
      'kernel login',
      'base kernel login',
    ]);
  });

  test('paths may be given from where the user stands', () => {
    expect(picked(['login.yaml'], { prefix: 'layers/debian' })[0]).toBe('login');
    expect(picked(['../debian/login.yaml'], { prefix: 'layers/rocky' })[0]).toBe('login');
  });

  test.each([
    ['debian-comptue', 'did you mean debian-compute?'],
    ['base', 'did you mean debian-base or debian/base or rocky-base?'],
    ['nothing-like-it', "'layers list' shows all layers"],
    ['x*', "'layers list' shows all layers"],
    ['...', "'layers list' shows all layers"],
  ])('%s is unknown', (selector, hint) => {
    const selecting = () => select(graph, { selectors: [selector] });
    expect(selecting).toThrow(InvalidInput);
    expect(selecting).toThrow(expect.objectContaining({ hint }));
  });
});
