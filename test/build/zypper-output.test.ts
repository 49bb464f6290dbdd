import { expect, test } from 'vitest';
import { elements, hear, listenToZypper, parseUpdates } from '../../tool/src/build/zypper-output.ts';

test('what zypper says about names, scriptlets and repositories', () => {
  const heard = listenToZypper();
  const lines = [
    "'lay-a' not found in package names. Trying capabilities.",
    "No provider of 'lay-b >= 3' found.",
    "No provider of 'pattern() = lay_tools' found.",
    'warning: %post(lay-post-1.0-1.noarch) scriptlet failed, exit status 127',
    'warning: %triggerin(a-1-1.noarch) scriptlet failed, signal 9',
    "Skipping repository 'gone's' because of the above error.",
    'lay-b-1.0-1.noarch (own): Signature verification failed [4-Signatures public key is not available]',
  ];
  for (const line of lines) hear(heard)(line);
  expect(heard).toEqual({
    absent: ['lay-b >= 3', 'lay_tools'],
    scriptlets: [
      '%post(lay-post-1.0-1.noarch) scriptlet failed, exit status 127',
      '%triggerin(a-1-1.noarch) scriptlet failed, signal 9',
    ],
    skipped: ["gone's"],
    unsigned: ['lay-b-1.0-1.noarch (own)'],
  });
});

test('updates in XML: packages only', () => {
  const xml = `<?xml version='1.0'?><stream><update-status version="0.6"><update-list>
<update kind="package" name="lay-b" edition="2.0-1" arch="noarch" edition-old="1.0-1"><summary>a &gt; b</summary></update>
<update kind="patch" name="p" edition="1" arch="noarch"></update>
</update-list></update-status></stream>`;
  expect(parseUpdates(xml)).toEqual([{ name: 'lay-b.noarch', from: '1.0-1', to: '2.0-1' }]);
  expect(elements('<solvable name="a" summary="x &amp; &quot;y&quot; &lt;"/>', 'solvable')).toEqual([
    { name: 'a', summary: 'x & "y" <' },
  ]);
});
