import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A site's own CA in `folder`, and the certificate that it gave to `localhost`. PEM files. */
export async function ownAuthority(folder: string): Promise<{ authority: string; key: string; cert: string }> {
  const at = (name: string) => path.join(folder, name);
  const openssl = (...args: string[]) => run('openssl', args);
  const fresh = ['-newkey', 'rsa:2048', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...fresh,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-days',
    '2',
    '-subj',
    '/CN=site',
  );
  await openssl('req', ...fresh, '-keyout', at('key.pem'), '-out', at('csr.pem'), '-subj', '/CN=localhost');
  await writeFile(at('names'), 'subjectAltName=DNS:localhost\n');
  const by = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', at('names')];
  await openssl('x509', '-req', '-in', at('csr.pem'), ...by, '-out', at('cert.pem'));
  return { authority: at('ca.pem'), key: at('key.pem'), cert: at('cert.pem') };
}
