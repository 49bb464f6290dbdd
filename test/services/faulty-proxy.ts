import { createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ProxyFault = { readonly status: number } | 'reset' | undefined;

/** Stands before a real server on loopback and breaks what `fault` says; everything else goes through. */
export async function startFaultyProxy(
  target: string,
  fault: (request: IncomingMessage) => ProxyFault,
): Promise<{ host: string; bytes(): number; close(): void }> {
  let bytes = 0;
  const [hostname, port] = target.split(':');
  const server = createServer((incoming, outgoing) => {
    const what = fault(incoming);
    if (what === 'reset') {
      // After some of the body, as a line breaks.
      incoming.once('data', () => incoming.socket.resetAndDestroy());
      return;
    }
    if (what !== undefined) {
      incoming.resume();
      outgoing.writeHead(what.status).end();
      return;
    }
    const { method, url, headers } = incoming;
    const onward = request({ hostname, port, method, path: url, headers }, (reply) => {
      outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      reply.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Of all replies so far. */
    bytes: () => bytes,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
