import { readFile } from 'node:fs/promises';
import { request as sendOn } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface LoggingProxy {
  /** `https://localhost:PORT`: a host name and a port. */
  readonly endpoint: string;
  /** `CopyObject compute/…`, of requests that were answered, in their order. */
  readonly seen: string[];
  close(): void;
}

/** An S3 endpoint over https in front of a plain one, which sees what is asked. Signatures hold: the Host header goes through. */
export async function startLoggingProxy(
  behind: string,
  certificate: { readonly key: string; readonly cert: string },
): Promise<LoggingProxy> {
  const { hostname, port } = new URL(behind);
  const seen: string[] = [];
  const tls = { key: await readFile(certificate.key), cert: await readFile(certificate.cert) };
  const server = createServer(tls, (request, response) => {
    const { method = '', url = '', headers } = request;
    const on = sendOn({ hostname, port, method, path: url, headers }, (reply) => {
      seen.push(operationOf(method, url, headers['x-amz-copy-source'] !== undefined));
      response.writeHead(reply.statusCode ?? 500, reply.headers);
      reply.pipe(response);
    });
    on.on('error', () => response.destroy());
    request.pipe(on);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  return {
    endpoint: `https://localhost:${(server.address() as AddressInfo).port}`,
    seen,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function operationOf(method: string, url: string, isCopy: boolean): string {
  const { pathname, searchParams } = new URL(url, 'http://x');
  const key = decodeURIComponent(pathname).split('/').slice(2).join('/');
  if (method === 'PUT' && isCopy) return `CopyObject ${key}`;
  if (method === 'PUT') return searchParams.has('uploadId') ? `UploadPart ${key}` : `PutObject ${key}`;
  if (method === 'POST')
    return searchParams.has('uploadId') ? `CompleteMultipartUpload ${key}` : `CreateMultipartUpload ${key}`;
  return `${method} ${key}`;
}
