import { expect, test } from 'vitest';
import { destinationsOf } from '../../tool/src/config/destinations.ts';
import { layerOf } from './reading.ts';

const keys = (options: string) =>
  destinationsOf(layerOf(`options: {layer_type: base, pkg_manager: apt, name: n, ${options}}\n`)).map(({ key }) => key);

test.each([
  ['publish_local: true', ['local:n']],
  ['publish_registry: docker://reg.example:5000/hpc/', ['registry:reg.example:5000/hpc/n']],
  ["publish_registry: 'oci:./images//x/'", ['oci:images/x/n']],
  ["publish_registry: 'oci:/srv/images'", ['oci:/srv/images/n']],
  ["publish_registry: 'oci:out ü'", ['oci:out ü/n']],
  ["publish_s3: 'file:out ü'", ['file:out ü/boot-images/n']],
  ['publish_s3: http://s3/, s3_prefix: a/', ['s3:http://s3/boot-images/a/n']],
  ["publish_s3: 'file:./out'", ['file:out/boot-images/n']],
  [
    'publish_local: true, publish_registry: r, publish_s3: http://s3',
    ['local:n', 'registry:r/n', 's3:http://s3/boot-images/n'],
  ],
])('%s', (options, expected) => {
  expect(keys(options)).toEqual(expected);
});
