import { arch } from 'node:os';
import { expect, test } from 'vitest';
import type { Layer } from '../../tool/src/config/layer.ts';
import { layer } from '../helpers/layers.ts';
import { recordBuild } from './recorded-build.ts';

const own = arch() === 'arm64' ? 'arm64' : 'amd64';
const other = own === 'arm64' ? 'amd64' : 'arm64';
const rpm = { amd64: 'x86_64', arm64: 'aarch64' };
const words = async (made: Layer, root: Parameters<typeof recordBuild>[1] = 'scratch') =>
  JSON.stringify((await recordBuild(made, root)).calls);

test.each([
  ['apt', { suite: 'bookworm' }, `--architectures=${other}`],
  ['dnf', { pkg_manager: 'dnf', releasever: '9' }, `--forcearch=${rpm[other]}`],
] as const)('%s on this machine is told another architecture, and its own is not', async (_manager, options, word) => {
  const made = layer('l', options, { packages: ['a'] });
  expect(await words({ ...made, architecture: other })).toContain(word);
  for (const same of [made, { ...made, architecture: own } as const]) {
    expect(await words(same)).not.toMatch(/--architectures=|--forcearch=/);
  }
});

test('dnf within an image for i386 is told so, as the kernel says that it is one for x86_64', async () => {
  const rocky = { 'usr/lib/os-release': 'ID=rocky\n', 'usr/bin/dnf': '' };
  const made = layer('l', { pkg_manager: 'dnf' }, { packages: ['a'] });
  expect(await words({ ...made, architecture: '386' }, rocky)).toContain('--forcearch=i686');
  expect(await words({ ...made, architecture: other }, rocky)).not.toContain('--forcearch');
});
