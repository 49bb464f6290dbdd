import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** One request as the fake saw it, named as S3 names its operations. */
export interface Seen {
  readonly operation: string;
  readonly key: string;
  readonly headers: IncomingMessage['headers'];
  readonly status: number | 'dropped';
}

/** What goes wrong: a status instead of the work, or a connection that breaks before or after the work was done. */
export type Fault =
  | { readonly status: number; readonly code?: string; readonly headers?: Record<string, string> }
  | 'drop-before'
  | 'drop-after';

interface Stored {
  readonly body: Buffer;
  readonly metadata: Record<string, string>;
}

/** An S3 server in this process that misbehaves on demand; it checks no signatures. One bucket, `boot-images`. */
export class FakeS3 {
  readonly objects = new Map<string, Stored>();
  readonly uploads = new Map<string, { key: string; metadata: Record<string, string>; parts: Map<number, Buffer> }>();
  readonly seen: Seen[] = [];
  /** Asked for each request, after its body was read. */
  fault: (request: Omit<Seen, 'status'>) => Fault | undefined = () => undefined;
  readonly #server: Server;
  readonly #scheme: 'http' | 'https';

  constructor(tls?: { readonly key: string; readonly cert: string }) {
    const handle = (request: IncomingMessage, response: ServerResponse) => void this.#handle(request, response);
    this.#scheme = tls ? 'https' : 'http';
    this.#server = tls ? createTlsServer(tls, handle) : createServer(handle);
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  count(operation: string, status?: Seen['status']): number {
    return this.seen.filter((one) => one.operation === operation && (status === undefined || one.status === status))
      .length;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? '/', 'http://x');
    const [, bucket, ...rest] = url.pathname.split('/').map(decodeURIComponent);
    const seen = {
      operation: operationOf(request, url, rest.join('/')),
      key: rest.join('/'),
      headers: request.headers,
    };
    const fault = bucket === 'boot-images' ? this.fault(seen) : { status: 404, code: 'NoSuchBucket' };
    const drop = () => {
      this.seen.push({ ...seen, status: 'dropped' });
      response.socket?.destroy();
    };
    if (fault === 'drop-before') return drop();
    const reply =
      typeof fault === 'object'
        ? { ...fault, body: errorXml(fault.code) }
        : this.#work(seen, url, Buffer.concat(chunks));
    if (fault === 'drop-after') return drop();
    this.seen.push({ ...seen, status: reply.status });
    response.writeHead(reply.status, reply.headers).end(request.method === 'HEAD' ? undefined : reply.body);
  }

  /** As with `delimiter=/`, in one page. */
  #list(prefix: string): string {
    const names = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    const cut = (key: string) => key.indexOf('/', prefix.length) + 1;
    const contents = names
      .filter((key) => cut(key) === 0)
      .map((key) => `<Contents><Key>${key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>`);
    const folders = new Set(names.filter((key) => cut(key) > 0).map((key) => key.slice(0, cut(key))));
    const common = [...folders].map((one) => `<CommonPrefixes><Prefix>${one}</Prefix></CommonPrefixes>`);
    return `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}${common.join('')}</ListBucketResult>`;
  }

  #work({ operation, key, headers }: Omit<Seen, 'status'>, url: URL, body: Buffer): Reply {
    const id = url.searchParams.get('uploadId') ?? '';
    const upload = this.uploads.get(id);
    switch (operation) {
      case 'HeadBucket':
        return { status: 200 };
      case 'HeadObject': {
        const stored = this.objects.get(key);
        if (stored === undefined) return { status: 404 };
        const metadata = Object.entries(stored.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
        return {
          status: 200,
          headers: {
            'content-length': String(stored.body.length),
            etag: etagOf(stored),
            ...Object.fromEntries(metadata),
          },
        };
      }
      case 'ListObjectsV2':
        return { status: 200, body: this.#list(url.searchParams.get('prefix') ?? '') };
      case 'PutObject':
        this.objects.set(key, { body, metadata: metadataOf(headers) });
        return { status: 200, headers: { etag: '"x"' } };
      case 'CopyObject': {
        const source = decodeURIComponent(String(headers['x-amz-copy-source'])).replace(/^\/?[^/]*\//, '');
        const stored = this.objects.get(source);
        if (stored === undefined) return { status: 404, body: errorXml('NoSuchKey') };
        const wanted = headers['x-amz-copy-source-if-match'];
        if (wanted !== undefined && wanted !== etagOf(stored)) {
          return { status: 412, body: errorXml('PreconditionFailed') };
        }
        this.objects.set(key, { body: stored.body, metadata: metadataOf(headers) });
        return { status: 200, body: '<CopyObjectResult><ETag>x</ETag></CopyObjectResult>' };
      }
      case 'CreateMultipartUpload': {
        const uploadId = randomUUID();
        this.uploads.set(uploadId, { key, metadata: metadataOf(headers), parts: new Map() });
        return {
          status: 200,
          body: `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`,
        };
      }
    }
    if (upload === undefined) return { status: 404, body: errorXml('NoSuchUpload') };
    switch (operation) {
      case 'UploadPart':
        upload.parts.set(Number(url.searchParams.get('partNumber')), body);
        return { status: 200, headers: { etag: '"part"' } };
      case 'CompleteMultipartUpload': {
        const parts = [...upload.parts].sort(([a], [b]) => a - b).map(([, part]) => part);
        this.objects.set(key, { body: Buffer.concat(parts), metadata: upload.metadata });
        this.uploads.delete(id);
        // As Ceph 16 answers.
        return { status: 200, body: '<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>' };
      }
      case 'AbortMultipartUpload':
        this.uploads.delete(id);
        return { status: 204 };
    }
    return { status: 501, body: errorXml('NotImplemented') };
  }
}

interface Reply {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

function operationOf({ method, headers }: IncomingMessage, url: URL, key: string): string {
  const has = (name: string) => url.searchParams.has(name);
  if (key === '') return method === 'HEAD' ? 'HeadBucket' : 'ListObjectsV2';
  if (method === 'HEAD') return 'HeadObject';
  if (method === 'POST') return has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
  if (method === 'DELETE') return has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
  if (has('partNumber')) return 'UploadPart';
  return headers['x-amz-copy-source'] === undefined ? 'PutObject' : 'CopyObject';
}

function etagOf({ body }: Stored): string {
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

function metadataOf(headers: IncomingMessage['headers']): Record<string, string> {
  const own = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  return Object.fromEntries(own.map(([name, value]) => [name.slice('x-amz-meta-'.length), String(value)]));
}

function errorXml(code = 'Fault'): string {
  return `<?xml version="1.0"?><Error><Code>${code}</Code><Message>made by the test</Message></Error>`;
}
