import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BuildTarget } from '../../tool/src/build/builder.ts';
import { loadOval } from '../../tool/src/build/openscap-oval.ts';
import { createExec } from '../../tool/src/system/exec.ts';
import { layer } from '../helpers/layers.ts';
import { recordingWorkspace } from '../helpers/publish-workspace.ts';

let folder: string;
let server: ReturnType<typeof createServer>;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-oval-'));
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2', ...names];
  await promisify(execFile)('openssl', made);
  server = createServer({ key: await readFile(key), cert: await readFile(cert) }, (_, response) =>
    response.end('<x/>'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

test('definitions from a server that nobody vouches for are refused', async () => {
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/oval.xml`;
  const workspace = await recordingWorkspace(folder, { exec: createExec({ env: process.env }) });
  const loading = loadOval(url, { layer: layer('l') } as BuildTarget, workspace);
  await expect(loading).rejects.toMatchObject({
    name: 'BuildFailure',
    message: expect.stringMatching(/^oval_url: .* cannot be loaded: .*self.signed certificate/),
  });
});
