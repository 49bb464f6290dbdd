import { expect, test } from 'vitest';
import { destinationsOf } from '../../tool/src/config/destinations.ts';
import { publicationLines } from '../../tool/src/report/plan-publications.ts';
import { layer } from '../helpers/layers.ts';

const publishing = (name: string, options: Record<string, unknown>) => {
  const one = layer(name, options);
  return { id: one.id, publish: destinationsOf(one) };
};

test('each destination with its tags', () => {
  const boot = { publish_s3: 'https://s3.example', s3_bucket: 'boot', s3_prefix: 'p/' };
  const lines = publicationLines([
    publishing('base', { publish_registry: 'registry.example/site', publish_tags: ['1', 'latest'], ...boot }),
    publishing('other', { publish_local: true, publish_registry: 'oci:out' }),
    { id: layer('none', {}).id, publish: [] },
  ]);
  expect(lines).toEqual([
    'publishes, where it is not there yet:',
    '  registry.example/site/base: 1, latest',
    '  https://s3.example/boot/p/base: 1, latest',
    '  local storage other: latest',
    '  oci:out/other: latest',
  ]);
});

test('nothing to publish, and too much to list', () => {
  expect(publicationLines([])).toEqual([]);
  const many = Array.from({ length: 1025 }, (_, at) => publishing(`x${at}`, { publish_local: true }));
  const lines = publicationLines(many);
  expect([lines.length, lines.at(-1)]).toEqual([22, '  and 1,005 more']);
});
