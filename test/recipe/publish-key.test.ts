import { expect, test } from 'vitest';
import { destinationsOf } from '../../tool/src/config/destinations.ts';
import { labelsOf } from '../../tool/src/recipe/labels.ts';
import { publishDifference, publishKeyOf, publishRecipeOf } from '../../tool/src/recipe/publish-key.ts';
import type { ContentDigest } from '../../tool/src/recipe/recipe.ts';
import { layer } from '../helpers/layers.ts';

const everywhere = { publish_local: true, publish_registry: 'registry:5000/site/', publish_s3: 'http://s3:9000' };

function recipes(options: Record<string, unknown>, content = 'sha256:1') {
  const one = layer('a', { ...everywhere, ...options });
  return destinationsOf(one).map((place) => publishRecipeOf(content as ContentDigest, place, labelsOf(one)));
}

function changed(before: ReturnType<typeof recipes>, now: ReturnType<typeof recipes>): string[] {
  return now
    .filter((one, index) => publishKeyOf(one) !== publishKeyOf(before[index] as typeof one))
    .map(({ destination }) => destination.kind);
}

test('a tag more goes to every destination and is told', () => {
  const [before, now] = [recipes({}), recipes({ publish_tags: ['latest', '9.5'] })];
  expect(changed(before, now)).toEqual(['local', 'registry', 's3']);
  expect(publishDifference(before[1], now[1] as never)).toEqual([{ code: 'tag-added', text: 'tags: + 9.5' }]);
});

test('a label does not upload the squashfs again', () => {
  const [before, now] = [recipes({}), recipes({ labels: { site: 'here' } })];
  expect(changed(before, now)).toEqual(['local', 'registry']);
  expect(publishDifference(before[1], now[1] as never)).toEqual([
    { code: 'labels-changed', text: 'labels changed: site' },
  ]);
});

test('an S3 setting goes to S3 only', () => {
  expect(changed(recipes({}), recipes({ squashfs_options: '-comp lz4' }))).toEqual(['s3']);
  expect(changed(recipes({}), recipes({ s3_acl: 'public-read' }))).toEqual(['s3']);
});

test('other content goes everywhere', () => {
  const [before, now] = [recipes({}), recipes({}, 'sha256:2')];
  expect(changed(before, now)).toEqual(['local', 'registry', 's3']);
  expect(publishDifference(before[1], now[1] as never)[0]?.code).toBe('content-changed');
});

test('what was never published says so', () => {
  expect(publishDifference(undefined, recipes({})[1] as never)).toEqual([
    { code: 'destination-new', text: 'not published to registry:5000/site/a yet' },
  ]);
});

test('labels name repositories by alias, since a URL may carry credentials', () => {
  const labels = labelsOf(
    layer('a', {}, { repos: [{ alias: 'epel', url: 'http://me:secret@host/' }], packages: ['vim', 'htop'] }),
  );
  expect(labels['org.openchami.image.repositories']).toBe('epel');
  expect(labels['org.openchami.image.packages']).toBe('vim,htop');
  expect(JSON.stringify(labels)).not.toContain('secret');
});
