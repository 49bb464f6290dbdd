import { expect, test } from 'vitest';
import { parseLayer } from '../../tool/src/config/parse-layer.ts';

const parse = (word: string) =>
  parseLayer(`options: {layer_type: base, pkg_manager: dnf, publish_local: true, architectures: ['${word}']}\n`, {
    file: 'x.yaml',
    id: 'x',
  });

test.each([
  ['x86_64', 'amd64'],
  ['x86-64', 'amd64'],
  ['i386', '386'],
  ['i686', '386'],
  ['aarch64', 'arm64'],
  ['armhf', 'arm'],
])('%s is %s', (word, architecture) => {
  expect(parse(word).layer?.options.architectures).toEqual([architecture]);
});

// As container tools do; to some x86 means 64 bits, and an image for 32 would be built in silence.
test.each([
  ['x86', 'did you mean `amd64` (x86_64) or `386` (i386)?'],
  ['X64', 'did you mean `amd64` (x86_64)?'],
  ['arm46', 'did you mean `arm64`?'],
  ['pdp11', 'for example `amd64` or `arm64`'],
])('%s is none: %s', (word, hint) => {
  expect(parse(word).diagnostics).toMatchObject([{ severity: 'error', code: 'unknown-architecture', hint }]);
});
