import { type Agent as HttpAgent, request as requestHttp } from 'node:http';
import { type Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { HINTS, RegistryError } from './registry-error.ts';

export interface Agents {
  readonly http: HttpAgent;
  readonly https: HttpsAgent;
}

export interface Call {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface Limits {
  /** Without a byte. */
  readonly idleMs: number;
  readonly totalMs: number;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** Lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** Manifests, configurations and our documents; layers never pass here. */
const LARGEST = 32 * 1024 * 1024;

/**
 * One request; the whole answer in memory. The limits count from the call: who has more calls than `agents` has connections queues
 * them (Host). Throws RegistryError where there is no answer, and AbortError.
 */
export function send(url: URL, call: Call, agents: Agents, limits: Limits): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const isSecure = url.protocol === 'https:';
  const timer = setTimeout(() => request.destroy(timedOut(url, limits.totalMs)), limits.totalMs);
  const fail = (error: unknown) => {
    clearTimeout(timer);
    reject(limits.signal?.aborted ? limits.signal.reason : asRegistryError(error, url));
  };
  const headers = {
    'user-agent': 'layers',
    ...(call.body === undefined ? {} : { 'content-length': String(Buffer.byteLength(call.body)) }),
    ...call.headers,
  };
  const options = {
    method: call.method,
    headers,
    agent: isSecure ? agents.https : agents.http,
    timeout: limits.idleMs,
    ...(limits.signal ? { signal: limits.signal } : {}),
  };
  const request = (isSecure ? requestHttps : requestHttp)(url, options, (response) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > LARGEST) {
        const what = `${url.host} sent more than ${LARGEST} bytes for ${url.pathname}`;
        response.destroy(new RegistryError('unexpected', what));
      }
      chunks.push(chunk);
    });
    response.on('error', fail);
    response.on('aborted', () => fail(new RegistryError('broken', `${url.host} broke off an answer`)));
    response.on('end', () => {
      clearTimeout(timer);
      resolve({ status: response.statusCode ?? 0, headers: plain(response.headers), body: Buffer.concat(chunks) });
    });
  });
  request.on('timeout', () => request.destroy(timedOut(url, limits.idleMs)));
  request.on('error', fail);
  request.end(call.body);
  return promise;
}

/** A kept connection that the host closes just as we write to it says nothing of the host: `question` is asked a second time. */
export async function onceMoreIfBroken<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    if (!(error instanceof RegistryError) || error.kind !== 'broken') throw error;
    return question();
  }
}

function plain(headers: NodeJS.Dict<string | string[]>): Record<string, string | undefined> {
  const entries = Object.entries(headers);
  return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]));
}

function timedOut({ host }: URL, ms: number): RegistryError {
  return new RegistryError('slow', `${host} did not answer in ${ms / 1000} s`);
}

function asRegistryError(error: unknown, { host }: URL): unknown {
  if (error instanceof RegistryError || !(error instanceof Error)) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  // Both addresses of a name that failed, for one.
  const inner = error instanceof AggregateError ? (error.errors[0] as Error | undefined) : undefined;
  const message = `${host}: ${error.message || inner?.message || code}`;
  if (/^(ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)|EPROTO)$/.test(code)) {
    return new RegistryError('tls', `${host} does not speak TLS`, { hint: HINTS.http, cause: error });
  }
  if (/CERT|ERR_TLS|SELF_SIGNED|UNABLE_TO_|ERR_SSL/.test(code)) {
    return new RegistryError('tls', message, { hint: HINTS.certificate, cause: error });
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') return new RegistryError('broken', message, { cause: error });
  const hint = { ENOTFOUND: HINTS.name, ECONNREFUSED: HINTS.nothingThere }[code];
  return new RegistryError('unreachable', message, { ...(hint === undefined ? {} : { hint }), cause: error });
}
