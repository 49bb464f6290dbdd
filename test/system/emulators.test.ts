import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { emulatedProcessors } from '../../tool/src/system/emulators.ts';

const handler = (flags: string, state = 'enabled') =>
  `${state}\ninterpreter /usr/libexec/qemu-binfmt/aarch64-binfmt-P\nflags: ${flags}\noffset 0\nmagic 7f454c46\n`;

test('an emulator counts when it is enabled and is found from within an image', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'binfmt-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const handlers = {
    'qemu-aarch64': handler('POCF'),
    'qemu-s390x': handler('PF', 'disabled'),
    'qemu-riscv64': handler('OC'),
    'qemu-ppc64le-static': handler('F'),
    'qemu-sparc64': handler('F'),
    'python3.11': handler('F'),
    status: 'enabled\n',
  };
  for (const [name, text] of Object.entries(handlers)) await writeFile(path.join(folder, name), text);
  expect([...emulatedProcessors(folder)].sort()).toEqual(['aarch64', 'ppc64le', 'sparc64']);
  expect([...emulatedProcessors(path.join(folder, 'absent'))]).toEqual([]);
});
