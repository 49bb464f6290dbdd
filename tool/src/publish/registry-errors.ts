import { CommandFailure } from '../system/command.ts';
import { PublishFailure } from './publisher.ts';

/** What buildah and skopeo say when another try may help: their own retry covers neither 503 nor 429. */
const TRANSIENT = [
  /\b(429|5\d\d) (Too Many Requests|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)/i,
  /status(?: code)?[ :]+(429|5\d\d)\b/i,
  /toomanyrequests|too many requests/i,
  /connection (reset|refused|timed out)|broken pipe|unexpected EOF|: EOF$|i\/o timeout|TLS handshake timeout/im,
  /Client\.Timeout exceeded|use of closed network connection|server closed idle|http2: .*(GOAWAY|stream closed)/i,
  /temporary failure in name resolution|no route to host|network is unreachable/i,
];

const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /server gave HTTP response to HTTPS client/,
    'The registry speaks plain HTTP: registry_opts_push: ["--tls-verify=false"], or insecure = true in registries.conf.',
  ],
  [
    /x509:/,
    'Put the CA into the system’s store or /etc/containers/certs.d/HOST, or name its folder: registry_opts_push: ["--cert-dir=DIR"].',
  ],
  [
    /unauthorized|authentication required|\b401\b|denied|\b403\b/i,
    'Log in (buildah login HOST), or give registry_opts_push: ["--authfile=FILE"]; check that the account may push there.',
  ],
  [/no such host/, 'Check the host name in publish_registry.'],
  [/connection refused/, 'Nothing listens there: check host and port in publish_registry.'],
];

/** Whether another try may help. A child that was ended because it took too long counts; one that was cancelled does not. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof CommandFailure)) return false;
  if (error.reason === 'timeout' || error.reason === 'idle') return true;
  if (error.reason !== 'exit') return false;
  const text = textOf(error);
  return TRANSIENT.some((pattern) => pattern.test(text));
}

/** The same failure in words, with what to do about it; anything that is not known stays as it is. */
export function explainRegistry(error: unknown, repository: string): unknown {
  if (!(error instanceof CommandFailure) || error.reason !== 'exit') return error;
  const hint = HINTS.find(([pattern]) => pattern.test(textOf(error)))?.[1];
  if (hint === undefined) return error;
  return new PublishFailure(`${repository}: ${lastLine(error)}`, { hint, cause: error });
}

function textOf(error: CommandFailure): string {
  return error.result.tail.join('\n');
}

function lastLine(error: CommandFailure): string {
  return error.result.tail.findLast((line) => line.trim() !== '')?.trim() ?? error.message;
}
