import { describe, expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import { afterBuild, ageLimit, ageReason, movedReasons, notLocked } from '../../tool/src/plan/drift.ts';
import type { LayerLock } from '../../tool/src/plan/facts.ts';
import { graphOf, layer, on } from '../helpers/layers.ts';

const HOUR = 3_600_000;
const [a, b] = ['a', 'b'].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];
const url = 'http://deb.example/dists/stable/InRelease';
const other = 'http://rpm.example/repodata/repomd.xml';

describe('age', () => {
  const aged = (limit: string | undefined) => layer('l', limit === undefined ? {} : { rebuild_after: limit });
  const built = '2026-02-28T12:00:00.250Z';
  const at = Date.parse(built);

  test.each([
    ['14d', 14 * 24, 'last built 14 days ago, rebuild_after is 14d'],
    ['36h', 36, 'last built 36 hours ago, rebuild_after is 36h'],
    ['2w', 14 * 24, 'last built 14 days ago, rebuild_after is 2w'],
    ['1h', 1, 'last built 1 hour ago, rebuild_after is 1h'],
  ])('%s counts from its end on', (limit, hours, text) => {
    expect(ageLimit(aged(limit), built)).toBe(at + hours * HOUR);
    expect(ageReason(aged(limit), built, at + hours * HOUR)).toBeUndefined();
    expect(ageReason(aged(limit), built, at + hours * HOUR + 1)).toEqual({ code: 'age', text });
  });

  test('no limit, a build of the future or a time that is none are no reason', () => {
    expect(ageReason(aged(undefined), built, at + 1e12)).toBeUndefined();
    expect(ageLimit(aged(undefined), built)).toBe(Number.POSITIVE_INFINITY);
    expect(ageReason(aged('1h'), '2999-01-01T00:00:00.000Z', at)).toBeUndefined();
    expect(ageReason(aged('1h'), 'yesterday', at + 1e12)).toBeUndefined();
  });

  test.each(['1970-01-01T00:00:00Z', '2000-02-29T23:59:59Z', '2024-12-31T00:00:00.5Z', '2100-03-01T01:02:03Z'])(
    '%s is the moment that it says',
    (time) => expect(ageLimit(aged('1h'), time)).toBe(Date.parse(time) + HOUR),
  );
});

test('only what was asked for and is another one has moved', () => {
  const used = { [url]: a, [other]: a };
  expect(movedReasons(used, new Map([[url, a]]))).toEqual([]);
  expect(movedReasons(used, new Map())).toEqual([]);
  expect(movedReasons(used, new Map([[url, b]]))).toEqual([
    { code: 'repository-moved', text: `package repository moved: ${url}` },
  ]);
});

test('--locked names every needed layer without an entry, or with one for another parent', () => {
  const layers = ['base', 'child', 'ext', 'old', 'rest'].map((id) => layer(id));
  const external = { kind: 'external', reference: 'debian:12' } as const;
  const graph = graphOf(layers, { child: on('base'), ext: external, old: external });
  const needed = new Set(['base', 'child', 'ext', 'old'] as LayerId[]);
  const entry: LayerLock = { repositories: {} };
  const locks = new Map<LayerId, LayerLock>([
    ['base' as LayerId, entry],
    ['ext' as LayerId, entry],
    ['old' as LayerId, { parent: { reference: 'debian:11', digest: a }, repositories: {} }],
  ]);
  expect(notLocked(graph, needed, locks).map(({ message }) => message)).toEqual([
    'child is not in layers.lock',
    'ext stands on debian:12, and layers.lock has no parent for it',
    'old stands on debian:12, and layers.lock has the parent debian:11 for it',
  ]);
  const good = { parent: { reference: 'debian:12', digest: a }, repositories: {} };
  const all = new Map([...needed].map((id) => [id, good] as const));
  expect(notLocked(graph, needed, all)).toEqual([]);
});

describe('after a build', () => {
  const entry: LayerLock = { parent: { reference: 'debian:12', digest: a }, repositories: { [url]: a } };
  const same = { parent: { reference: 'debian:12', digest: a }, repositories: { [url]: a } };

  test('what is locked stays', () => {
    for (const locked of [true, false]) {
      expect(afterBuild(entry, same, { locked })).toEqual({ lock: entry, changed: false, differences: [] });
    }
  });

  test('what moved fails with --locked, and is the lock otherwise', () => {
    const moved = { ...same, repositories: { [url]: b } };
    const difference = `package repository ${url} moved: ${a.slice(0, 19)}… → ${b.slice(0, 19)}…`;
    expect(afterBuild(entry, moved, { locked: false })).toEqual({
      lock: moved,
      changed: true,
      differences: [difference],
    });
    const failed = afterBuild(entry, moved, { locked: true });
    expect(failed).toMatchObject({
      lock: entry,
      changed: false,
      problem: `it is not what layers.lock says: ${difference}`,
    });
  });

  test('a repository more or less, another parent and a moved one all count', () => {
    const differencesTo = (used: Parameters<typeof afterBuild>[1]) =>
      afterBuild(entry, used, { locked: false }).differences;
    expect(differencesTo({ ...same, repositories: { [url]: a, [other]: b } })).toEqual([
      `package repository ${other} is not in it`,
    ]);
    expect(differencesTo({ ...same, repositories: {} })).toEqual([`package repository ${url} was not used`]);
    expect(differencesTo({ ...same, parent: { reference: 'debian:12', digest: b } })).toEqual([
      `parent debian:12 moved: ${a.slice(0, 19)}… → ${b.slice(0, 19)}…`,
    ]);
    expect(differencesTo({ repositories: { [url]: a } })).toEqual(['parent debian:12 → none']);
  });

  test('a layer that is not in the lock stays out of it, and fails with --locked', () => {
    expect(afterBuild(undefined, same, { locked: false })).toEqual({ changed: false, differences: [] });
    expect(afterBuild(undefined, same, { locked: true }).problem).toBe('layers.lock has no entry for it');
  });
});
