import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the fake saw it. */
export interface SeenRequest {
  readonly method: string;
  /** With the query. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly status: number;
}

export interface FakeReply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

type Fault = FakeReply | 'drop' | undefined;

/** An OCI registry in this process, plain HTTP: repositories of blobs, manifests and tags, and whatever goes wrong on demand. */
export class FakeRegistry {
  readonly seen: SeenRequest[] = [];
  /** `REPOSITORY@DIGEST` → bytes; a manifest's type is in `types`. */
  readonly blobs = new Map<string, Buffer>();
  readonly types = new Map<string, string>();
  /** `REPOSITORY:TAG` → digest. */
  readonly tags = new Map<string, string>();
  /** A reply instead of the work, `drop` for a connection that breaks, or undefined; late where it is a promise. */
  fault: (method: string, url: string, headers: IncomingMessage['headers']) => Fault | Promise<Fault> = () => undefined;
  /** Whether it mounts blobs of other repositories. */
  mounts = true;
  readonly #server: Server = createServer((request, response) => void this.#handle(request, response));

  /** `127.0.0.1:PORT` */
  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Puts a manifest as if it had been pushed; gives its digest. */
  put(repository: string, tag: string, manifest: unknown, type = 'application/vnd.oci.image.manifest.v1+json'): string {
    const bytes = Buffer.from(JSON.stringify(manifest));
    const digest = digestOf(bytes);
    this.blobs.set(`${repository}@${digest}`, bytes);
    this.types.set(`${repository}@${digest}`, type);
    this.tags.set(`${repository}:${tag}`, digest);
    return digest;
  }

  /** Puts an image of one layer; gives its digest. */
  putImage(repository: string, tag: string, labels: Record<string, string> = {}): string {
    const config = this.putBlob(
      repository,
      Buffer.from(JSON.stringify({ architecture: 'amd64', config: { Labels: labels } })),
    );
    const layer = this.putBlob(repository, Buffer.from('layer'));
    return this.put(repository, tag, {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', ...layer }],
      annotations: { 'org.opencontainers.image.base.name': 'parent' },
    });
  }

  putBlob(repository: string, bytes: Buffer): { digest: string; size: number } {
    const digest = digestOf(bytes);
    this.blobs.set(`${repository}@${digest}`, bytes);
    return { digest, size: bytes.length };
  }

  /** What a tag names, parsed. */
  manifest(repository: string, tag: string): Record<string, unknown> & { annotations?: Record<string, string> } {
    return JSON.parse(String(this.blobs.get(`${repository}@${this.tags.get(`${repository}:${tag}`)}`)));
  }

  count(method: string, url: RegExp): number {
    return this.seen.filter((one) => one.method === method && url.test(one.url)).length;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = request;
    const fault = await this.fault(method, url, headers);
    if (fault === 'drop') {
      this.seen.push({ method, url, headers, status: 0 });
      response.socket?.destroy();
      return;
    }
    const reply = fault ?? this.#work(method, new URL(url, 'http://x'), headers, Buffer.concat(chunks));
    this.seen.push({ method, url, headers, status: reply.status });
    response.writeHead(reply.status, reply.headers).end(method === 'HEAD' ? undefined : reply.body);
  }

  #work(method: string, { pathname, searchParams }: URL, headers: IncomingMessage['headers'], body: Buffer): FakeReply {
    if (pathname === '/v2/') return { status: 200, body: '{}' };
    const [, repository = '', kind, rest = ''] = /^\/v2\/(.+)\/(manifests|blobs|tags)\/(.*)$/.exec(pathname) ?? [];
    if (kind === 'tags') return this.#list(repository, searchParams);
    if (rest.startsWith('uploads/')) return this.#upload(method, repository, searchParams, body);
    const digest = rest.includes(':') ? rest : this.tags.get(`${repository}:${rest}`);
    const name = `${repository}@${digest}`;
    if (method === 'PUT') {
      const put = digestOf(body);
      this.blobs.set(`${repository}@${put}`, body);
      this.types.set(`${repository}@${put}`, String(headers['content-type']));
      this.tags.set(`${repository}:${rest}`, put);
      return { status: 201, headers: { 'docker-content-digest': put } };
    }
    const stored = this.blobs.get(name);
    if (stored === undefined) return error(404, kind === 'blobs' ? 'BLOB_UNKNOWN' : 'MANIFEST_UNKNOWN');
    if (method === 'DELETE') {
      this.blobs.delete(name);
      return { status: 202 };
    }
    const type = this.types.get(name) ?? 'application/octet-stream';
    return { status: 200, headers: { 'content-type': type, 'docker-content-digest': digest! }, body: stored };
  }

  #upload(method: string, repository: string, query: URLSearchParams, body: Buffer): FakeReply {
    const [mount, from] = [query.get('mount'), query.get('from')];
    const location = { location: `/v2/${repository}/blobs/uploads/1?state=x` };
    if (method === 'DELETE') return { status: 204 };
    if (method === 'PUT') {
      const digest = digestOf(body);
      if (digest !== query.get('digest')) return error(400, 'DIGEST_INVALID');
      this.blobs.set(`${repository}@${digest}`, body);
      return { status: 201 };
    }
    const mounted = this.mounts && mount !== null ? this.blobs.get(`${from}@${mount}`) : undefined;
    if (mounted === undefined) return { status: 202, headers: location };
    this.blobs.set(`${repository}@${mount}`, mounted);
    return { status: 201 };
  }

  /** Two a page. */
  #list(repository: string, query: URLSearchParams): FakeReply {
    const prefix = `${repository}:`;
    const names = [...this.tags.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
    const start = names.indexOf(query.get('last') ?? '') + 1;
    const tags = names.slice(start, start + 2);
    const next = `</v2/${repository}/tags/list?n=2&last=${tags.at(-1)}>; rel="next"`;
    return {
      status: 200,
      headers: start + 2 < names.length ? { link: next } : {},
      body: JSON.stringify({ name: repository, tags }),
    };
  }
}

export function error(status: number, code: string): FakeReply {
  return { status, body: JSON.stringify({ errors: [{ code, message: 'made by the test' }] }) };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
