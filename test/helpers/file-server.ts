import { createReadStream, readFileSync, statSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

export interface FileServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`; `https://localhost:PORT` for members. */
  readonly url: string;
  /** Path and Authorization header of each request, in order. */
  readonly requests: { readonly path: string; readonly authorization: string | undefined }[];
}

/** Serves the files of a folder on loopback, also as a proxy for any other host. `login`: `user:password` that every request must carry. */
export async function serveFiles(folder: string, login?: string): Promise<FileServer> {
  const requests: FileServer['requests'] = [];
  const server = createServer(answering(folder, login, requests));
  return { url: `http://127.0.0.1:${await listening(server)}`, requests, ...closing(server) };
}

/** The same by TLS, for clients with a certificate of this authority only. Files in PEM. */
export async function serveToMembers(
  folder: string,
  { authority, key, cert }: { readonly authority: string; readonly key: string; readonly cert: string },
): Promise<FileServer> {
  const requests: FileServer['requests'] = [];
  const [ca, own, certificate] = [authority, key, cert].map((file) => readFileSync(file));
  const settings = { ca, key: own, cert: certificate, requestCert: true, rejectUnauthorized: true };
  const server = createSecureServer(settings, answering(folder, undefined, requests));
  return { url: `https://localhost:${await listening(server)}`, requests, ...closing(server) };
}

function answering(folder: string, login: string | undefined, requests: FileServer['requests']): RequestListener {
  return (request, response) => {
    const where = new URL(request.url ?? '/', 'http://x').pathname;
    requests.push({ path: request.url ?? '', authorization: request.headers.authorization });
    const file = path.join(folder, path.posix.normalize(decodeURIComponent(where)));
    const expected = login === undefined ? undefined : `Basic ${Buffer.from(login).toString('base64')}`;
    const stats = statSync(file, { throwIfNoEntry: false });
    const isAllowed = expected === undefined || request.headers.authorization === expected;
    if (!isAllowed || !stats?.isFile()) {
      response.writeHead(isAllowed ? 404 : 401, { 'WWW-Authenticate': 'Basic realm="test"' }).end();
      return;
    }
    response.writeHead(200, { 'Content-Length': stats.size, 'Last-Modified': stats.mtime.toUTCString() });
    createReadStream(file).pipe(response);
  };
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function closing(server: Server): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
