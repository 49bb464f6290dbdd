import { PublishFailure } from './publisher.ts';
import { endpointName } from './s3-credentials.ts';

/** The parts of an SDK error that we look at. Socket errors have a `code` and no `$metadata`. */
interface S3Error extends Error {
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

const THROTTLED =
  /^(SlowDown|ServiceUnavailable|RequestLimitExceeded|Throttling|TooManyRequests|BandwidthLimitExceeded)/;
const SOCKET =
  /^(ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ERR_STREAM_PREMATURE_CLOSE)$/;
const CERTIFICATE =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(VERIFY|GET)_\w+|CERT_\w+|ERR_TLS_CERT_ALTNAME_INVALID)$/;

export function statusOf(error: unknown): number | undefined {
  return (error as S3Error).$metadata?.httpStatusCode;
}

/** Whether another try may help: overload, a server's fault, a broken connection. 501 says that it will never do this. */
export function isTransientS3(error: unknown): boolean {
  const { name, code, message } = error as S3Error;
  const status = statusOf(error);
  if (THROTTLED.test(name) || status === 429 || (status !== undefined && status >= 500 && status !== 501)) return true;
  if (name === 'TimeoutError' || name === 'RequestTimeout' || name === 'RequestTimeTooSkewed') return true;
  return SOCKET.test(code ?? '') || /socket hang up/.test(message);
}

/** Milliseconds of the reply's Retry-After, in both of its forms. */
export function askedMs(error: unknown): number | undefined {
  const value = (error as S3Error).$response?.headers?.['retry-after'];
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** The server does not know the account, or the secret is not its. */
export function isRefused(error: unknown): boolean {
  return /^(InvalidAccessKeyId|SignatureDoesNotMatch)$/.test((error as S3Error).name);
}

/** The answer to a copy whose source is missing, or is not what it was when it was looked at. */
export function isSourceGone(error: unknown): boolean {
  return statusOf(error) === 404 || statusOf(error) === 412;
}

/** 411 and 501 answer a request that was sent in a way that the server does not know: with checksums. */
export function refusesChecksums(error: unknown): boolean {
  const status = statusOf(error);
  return status === 411 || status === 501 || /^(MissingContentLength|NotImplemented)$/.test((error as S3Error).name);
}

/** A failure of the server or the line in words, with what to do about it; anything else stays as it is. */
export function explainS3(error: unknown, endpoint: string, bucket: string): unknown {
  const { name, code = '', message } = error as S3Error;
  const status = statusOf(error);
  const isKnown = status !== undefined || CERTIFICATE.test(code) || isTransientS3(error) || code === 'ENOTFOUND';
  if (name === 'CredentialsProviderError') return noCredentials(endpoint, error);
  if (!isKnown) return error;
  const say = (what: string, hint?: string) =>
    new PublishFailure(`${endpoint}/${bucket}: ${what}`, { ...(hint ? { hint } : {}), cause: error });
  if (CERTIFICATE.test(code)) {
    return say(
      `the certificate of the endpoint is not trusted (${code})`,
      'Add its CA to the system’s store (update-ca-certificates, update-ca-trust), or set s3_tls_verify: false.',
    );
  }
  if (name === 'NoSuchBucket') return say('the bucket does not exist', `Create it: ${createCommand(endpoint, bucket)}`);
  if (isRefused(error)) {
    return say(
      `the credentials are refused (${name})`,
      `Check S3_ACCESS and S3_SECRET (or …__${endpointName(endpoint)}).`,
    );
  }
  if (name === 'AccessDenied' || status === 403) {
    return say(
      'access denied',
      'The account may not write there: it needs to read, list parts and write in this bucket.',
    );
  }
  if (name === 'AccessControlListNotSupported') {
    return say('the bucket takes no ACLs', 'Leave out s3_acl; a bucket policy says there who may read.');
  }
  if (code === 'ENOTFOUND') return say('the host name is not known', 'Check publish_s3.');
  if (code === 'ECONNREFUSED') return say('nothing listens there', 'Check host and port in publish_s3.');
  return say(
    message === '' || message === 'UnknownError'
      ? `${name}, HTTP status ${status ?? 'unknown'}`
      : `${name}: ${message}`,
  );
}

function noCredentials(endpoint: string, cause?: unknown): PublishFailure {
  return new PublishFailure(`no credentials for ${endpoint}`, {
    hint: `Set S3_ACCESS and S3_SECRET, or S3_ACCESS__${endpointName(endpoint)} and S3_SECRET__${endpointName(endpoint)} for this endpoint alone, or what the AWS SDK reads.`,
    cause,
  });
}

export function createCommand(endpoint: string, bucket: string): string {
  return `aws --endpoint-url ${endpoint} s3 mb s3://${bucket}`;
}
