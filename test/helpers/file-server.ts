import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

export interface FileServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Path and Authorization header of each request, in order. */
  readonly requests: { readonly path: string; readonly authorization: string | undefined }[];
}

/** Serves the files of a folder on loopback, also as a proxy for any other host. `login`: `user:password` that every request must carry. */
export async function serveFiles(folder: string, login?: string): Promise<FileServer> {
  const requests: { path: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
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
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
