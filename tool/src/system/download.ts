import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { createAgents } from './http.ts';

const LIMIT = 16 * 1024 * 1024;
const REDIRECTS = 5;
const IDLE_MS = 60_000;

interface DownloadSettings {
  /** For the proxy variables. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** Most bytes to take; default 16 MiB. */
  readonly limit?: number;
}

/** A file from an http or https URL. Throws in words that name the host but not the URL's credentials. */
export async function download(url: string, settings: DownloadSettings): Promise<Buffer> {
  const agents = createAgents({ verify: true, maxSockets: 1, env: settings.env });
  try {
    let place = new URL(url);
    for (let hop = 0; hop <= REDIRECTS; hop += 1) {
      const answer = await get(place, agents, settings);
      if (Buffer.isBuffer(answer)) return answer;
      place = new URL(answer, place);
    }
    throw new Error(`more than ${REDIRECTS} redirects from ${new URL(url).host}`);
  } finally {
    agents.http.destroy();
    agents.https.destroy();
  }
}

/** The body, or where it is. */
function get(
  url: URL,
  agents: ReturnType<typeof createAgents>,
  { signal, limit = LIMIT }: DownloadSettings,
): Promise<Buffer | string> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | string>();
  const isSecure = url.protocol === 'https:';
  const options = { agent: isSecure ? agents.https : agents.http, signal, timeout: IDLE_MS };
  const request = (isSecure ? requestHttps : requestHttp)(url, options, (response) => {
    const { statusCode = 0, headers } = response;
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('error', reject);
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
      response.resume();
      resolve(headers.location);
      return;
    }
    if (statusCode !== 200) {
      response.resume();
      reject(new Error(`${url.host} answered ${statusCode} for ${url.pathname}`));
      return;
    }
    response.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) response.destroy(new Error(`${url.host}${url.pathname} is larger than ${limit} bytes`));
      chunks.push(chunk);
    });
    response.on('end', () => resolve(Buffer.concat(chunks)));
  });
  request.on('timeout', () => request.destroy(new Error(`${url.host} did not answer`)));
  request.on('error', reject);
  request.end();
  return promise;
}
