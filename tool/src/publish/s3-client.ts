import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { createAgents } from '../system/http.ts';
import { type RetryPolicy, retry } from '../system/retry.ts';
import { credentialsFor, endpointUrl } from './s3-credentials.ts';
import { askedMs, isTransientS3, refusesChecksums } from './s3-errors.ts';

export interface S3Settings {
  readonly endpoint: string;
  readonly bucket: string;
  readonly verifyTls: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly policy: RetryPolicy;
  readonly signal?: AbortSignal;
  readonly say?: (line: string) => void;
}

/** Overloaded servers answer 503 for a minute; the SDK alone gives up after three tries and 2.4 s. */
export const TRANSFER: RetryPolicy = { attempts: 10, baseMs: 500, capMs: 20_000 };
/** A wrong address should be told within seconds. */
export const QUESTION: RetryPolicy = { attempts: 3, baseMs: 200, capMs: 1_000 };

const CONNECT_MS = 10_000;
/** A transfer that moves no byte for so long is tried again. */
const STALL_MS = 120_000;
const SOCKETS = 8;

/** Endpoints that refused checksums once: they are asked without from then on. */
const withoutChecksums = new Set<string>();

type Sdk = typeof import('@aws-sdk/client-s3');
type Request<T> = (client: S3Client, sdk: Sdk, options: { abortSignal?: AbortSignal }) => Promise<T>;

/** One endpoint through the SDK, with our own retry and with what the servers differ in. Throws the SDK's errors. */
export interface S3Door {
  readonly settings: S3Settings;
  send<T>(request: Request<T>, policy?: RetryPolicy): Promise<T>;
  /** Once, and after an abort too: for cleaning up. */
  sendLast<T>(request: Request<T>): Promise<T>;
  close(): void;
}

const LAST_MS = 10_000;

/** Loads the SDK, which takes a quarter of a second: nothing that publishes nothing calls this. */
export async function openS3(settings: S3Settings): Promise<S3Door> {
  const sdk = await import('@aws-sdk/client-s3');
  const { endpoint, signal, policy: usual } = settings;
  const config = configOf(settings);
  const clients = new Map<boolean, S3Client>();
  const client = () => {
    const plain = withoutChecksums.has(endpoint);
    const known = clients.get(plain) ?? new sdk.S3Client({ ...config, ...(plain ? PLAIN : {}) });
    clients.set(plain, known);
    return known;
  };
  return {
    settings,
    send: (request, policy = usual) => {
      const once = () => request(client(), sdk, signal ? { abortSignal: signal } : {});
      return retry(() => withFallback(endpoint, once), {
        policy,
        ...(signal ? { signal } : {}),
        retryable: isTransientS3,
        askedMs,
        onRetry: (error, attempt, delayMs) =>
          settings.say?.(`${endpoint}: attempt ${attempt} failed (${(error as Error).name}), next in ${delayMs} ms`),
      });
    },
    sendLast: (request) => request(client(), sdk, { abortSignal: AbortSignal.timeout(LAST_MS) }),
    close: () => {
      for (const one of clients.values()) one.destroy();
    },
  };
}

const PLAIN = { requestChecksumCalculation: 'WHEN_REQUIRED' } as const;

/** What a server refuses because of its checksum is sent once more without, and everything after it too. */
async function withFallback<T>(endpoint: string, request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    if (withoutChecksums.has(endpoint) || !refusesChecksums(error)) throw error;
    withoutChecksums.add(endpoint);
    return request();
  }
}

function configOf({ endpoint, verifyTls, env }: S3Settings): S3ClientConfig {
  const credentials = credentialsFor(endpoint, env);
  const agents = createAgents({ verify: verifyTls, maxSockets: SOCKETS, env });
  return {
    endpoint: endpointUrl(endpoint).href,
    region: env.AWS_REGION || 'us-east-1',
    forcePathStyle: true,
    ...(credentials ? { credentials } : {}),
    // Ours knows Retry-After's limit, waits in a way that can be aborted, and says what it does.
    maxAttempts: 1,
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      httpAgent: agents.http,
      httpsAgent: agents.https,
      connectionTimeout: CONNECT_MS,
      socketTimeout: STALL_MS,
    },
  };
}
