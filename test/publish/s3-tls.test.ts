import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createS3Publisher } from '../../tool/src/publish/s3.ts';
import { publishedImage } from '../helpers/publish-workspace.ts';
import { FakeS3 } from '../services/fake-s3.ts';

const run = promisify(execFile);
let folder: string;
let fake: FakeS3;
let endpoint: string;
let certificate: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-tls-'));
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  certificate = cert;
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    key,
    '-out',
    cert,
    '-days',
    '2',
    ...subject,
  ]);
  fake = new FakeS3({ key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') });
  endpoint = await fake.listen();
  fake.objects.set('k', { body: Buffer.from('x'), metadata: { sha256: 'abc' } });
});
afterAll(async () => {
  fake.close();
  await rm(folder, { recursive: true });
});

function ask(options: Record<string, unknown> = {}): Promise<boolean> {
  const publisher = createS3Publisher({ env: { S3_ACCESS: 'a', S3_SECRET: 'b' } });
  const place = { key: '', endpoint, bucket: 'boot-images', prefix: '', name: 'x', tags: ['latest'] };
  const destination = { kind: 's3', ...place, squashfsOptions: [], bootKernel: 'newest' } as const;
  const references = [{ kind: 'root', url: `${endpoint}/boot-images/k`, size: 1, sha256: 'abc' }] as const;
  return publisher.verify({ references }, destination, publishedImage('0', options).layer, {} as never);
}

test('a certificate that nobody vouches for: the error names the option', async () => {
  await expect(ask()).rejects.toMatchObject({
    name: 'PublishFailure',
    hint: expect.stringContaining('s3_tls_verify: false'),
  });
});

test('s3_tls_verify: false takes it', async () => {
  expect(await ask({ s3_tls_verify: false })).toBe(true);
});

test('a CA that the system trusts is enough', async () => {
  const script = `
    import { get } from 'node:https';
    import { createAgents } from ${JSON.stringify(path.resolve(import.meta.dirname, '../../tool/src/system/http.ts'))};
    const agent = createAgents({ verify: true, maxSockets: 1, env: {} }).https;
    get(process.argv[1], { agent, method: 'HEAD' }, (reply) => { console.log(reply.statusCode); process.exit(); })
      .on('error', (error) => { console.log(error.code); process.exit(); });`;
  const status = async (file: string) => {
    const env = { ...process.env, SSL_CERT_FILE: file, SSL_CERT_DIR: '/nonexistent', NODE_EXTRA_CA_CERTS: '' };
    const argv = ['--input-type=module-typescript', '-e', script, `${endpoint}/boot-images/k`];
    return (await run(process.execPath, argv, { env })).stdout.trim();
  };
  expect(await status(certificate)).toBe('200');
  expect(await status('/dev/null')).toMatch(/SELF_SIGNED|UNABLE/);
});
