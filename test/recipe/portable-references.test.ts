import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import type { PublishedReference } from '../../tool/src/config/destinations.ts';
import { portableReferences, referencesAt } from '../../tool/src/recipe/portable-references.ts';

const at = (root: string): PublishedReference[] => [
  { kind: 'image', reference: `oci:${root}/images/a:1`, digest: 'sha256:1' },
  { kind: 'image', reference: 'registry:5000/a:1', digest: 'sha256:1' },
  { kind: 'root', url: pathToFileURL(`${root}/s3/a b`).href, size: 1, sha256: '1' },
  { kind: 'kernel', url: 'http://s3/boot-images/vmlinuz', size: 1, sha256: '1' },
];

test.each(['/srv/tree', '/srv/my tree+ü/x'])('what was published in %s is there in a copy of the tree', (root) => {
  const kept = portableReferences(at(root), root);
  expect(JSON.stringify(kept)).not.toContain('/srv');
  expect(referencesAt(kept, '/elsewhere/y z')).toEqual(at('/elsewhere/y z'));
});
