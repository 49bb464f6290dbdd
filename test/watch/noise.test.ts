import { expect, test } from 'vitest';
import { isNoise } from '../../tool/src/watch/noise.ts';

test.each([
  '/t/.git',
  '/t/.git/index.lock',
  '/t/layers/.base.yaml.swp',
  '/t/layers/.base.yaml.swx',
  '/t/layers/4913',
  '/t/layers/base.yaml~',
  '/t/layers/.#base.yaml',
  '/t/layers/#base.yaml#',
  '/t/layers/base.yaml___jb_tmp___',
  '/t/playbooks/site.retry',
  '/t/plugins/__pycache__',
  '/t/.layers',
  '/t/.layers/runs/1/events.jsonl',
  '/t/images/index.json',
])('%s is passed over', (file) => {
  expect(isNoise(file, ['/t/.layers', '/t/images'])).toBe(true);
});

test.each([
  '/t/layers/base.yaml',
  '/t/layers.yaml',
  '/t/.layersignore',
  '/t/files/.bashrc',
  '/t/files/swp',
  '/t/imagesque/a',
  '/t/files/.gitignore',
])('%s counts', (file) => {
  expect(isNoise(file, ['/t/.layers', '/t/images'])).toBe(false);
});
