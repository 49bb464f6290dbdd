import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { refuseUnknownUser } from '../../tool/src/build/image-user.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'layers-user-'));
  await mkdir(path.join(root, 'etc'));
  await writeFile(
    path.join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nbuilder:x:1000:1000::/home/builder:/bin/sh\nmünch:x:2:2:::\n',
  );
  await writeFile(path.join(root, 'etc/group'), 'root:x:0:\nwheel:x:10:builder\n');
});
afterEach(() => rm(root, { recursive: true }));

test.each(['builder', 'root', 'münch', '1000', '4711', '0:0', 'builder:wheel', 'builder:12', '1000:wheel'])(
  '%s is one',
  async (user) => {
    await expect(refuseUnknownUser(user, root)).resolves.toBeUndefined();
  },
);

test.each([
  ['nosuch', '/etc/passwd of the image has no `nosuch`', "make it in the layer (cmds: ['useradd --system nosuch'])"],
  ['bulider', '/etc/passwd of the image has no `bulider`', 'did you mean `builder`? Otherwise make it'],
  // A member of a group is none.
  ['wheel', '/etc/passwd of the image has no `wheel`', 'useradd'],
  ['builder:staff', '/etc/group of the image has no `staff`', 'groupadd --system staff'],
  ['1000x', '/etc/passwd of the image has no `1000x`', 'a number, which needs no entry'],
])('%s: %s', async (user, message, hint) => {
  await expect(refuseUnknownUser(user, root)).rejects.toMatchObject({
    name: 'BuildFailure',
    message: expect.stringContaining(message),
    hint: expect.stringContaining(hint),
  });
});

test('without the file there is no name; a link to the file of this machine is not followed', async () => {
  await rm(path.join(root, 'etc/passwd'));
  await expect(refuseUnknownUser('root', root)).rejects.toThrow('the image has no /etc/passwd');
  await expect(refuseUnknownUser('0', root)).resolves.toBeUndefined();
  await symlink('/etc/passwd', path.join(root, 'etc/passwd'));
  await expect(refuseUnknownUser('root', root)).rejects.toThrow('the image has no /etc/passwd');
});
