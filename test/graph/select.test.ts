import { describe, expect, test } from 'vitest';
import { InvalidInput } from '../../tool/src/config/diagnostic.ts';
import { select, withDescendants } from '../../tool/src/graph/select.ts';
import { id, link } from './linking.ts';

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
    ['compute...', 'base kernel compute', 'base kernel compute'],
    ['...compute', 'compute', 'base kernel compute'],
    ['...debian-gpu', 'gpu', 'base kernel compute gpu'],
    ['debian', 'base kernel compute gpu login', 'base kernel compute gpu login'],
    ['rocky/', 'rocky/base', 'rocky/base'],
    ['layers/rocky', 'rocky/base', 'rocky/base'],
    ['./layers/rocky/', 'rocky/base', 'rocky/base'],
    ['layers/rocky/*.yaml', 'rocky/base', 'rocky/base'],
    ['{rocky,debian}/base...', 'base rocky/base', 'base rocky/base'],
    ['...*-kernel', 'kernel compute login', 'base kernel compute login'],
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
    expect(picked(['.'], { prefix: 'layers/rocky' })[0]).toBe('rocky/base');
    expect(picked(['../rocky'], { prefix: 'layers/debian' })[0]).toBe('rocky/base');
    expect(picked(['l*.yaml'], { prefix: 'layers/debian' })[0]).toBe('login');
  });

  test('of what is selected only what is affected, and what that stands on', () => {
    const within = withDescendants(graph, [id('debian/kernel')]);
    expect(within).toEqual(new Set(['debian/kernel', 'debian/compute', 'debian/login', 'debian/gpu']));
    expect(picked([], { within })).toEqual(['kernel compute login', 'base kernel compute login']);
    expect(picked(['debian-gpu', 'rocky'], { within })).toEqual(['gpu', 'base kernel compute gpu']);
    expect(picked([], { within, exclude: ['compute'], only: true })).toEqual(['kernel login', 'kernel login']);
    expect(picked([], { within: new Set() })).toEqual(['', '']);
  });

  test('exclude and only take every form', () => {
    expect(picked(['debian'], { exclude: ['*-login', 'layers/debian/gpu.yaml'] })[0]).toBe('base kernel compute');
    expect(picked(['...debian-kernel', 'debian-gpu'], { only: true })).toEqual(
      Array(2).fill('kernel compute gpu login'),
    );
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
