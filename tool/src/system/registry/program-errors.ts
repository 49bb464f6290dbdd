import { CommandFailure } from '../command.ts';
import { HINTS } from './registry-error.ts';

/** What buildah and skopeo say when another try may help: their own retry covers neither 503 nor 429. */
const TRANSIENT = [
  /\b(429|5\d\d) (Too Many Requests|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)/i,
  /status(?: code)?[ :]+(429|5\d\d)\b/i,
  /toomanyrequests|too many requests/i,
  /connection (reset|refused|timed out)|broken pipe|unexpected EOF|: EOF$|i\/o timeout|TLS handshake timeout/im,
  /Client\.Timeout exceeded|use of closed network connection|server closed idle|http2: .*(GOAWAY|stream closed)/i,
  /temporary failure in name resolution|no route to host|network is unreachable/i,
];

const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/server gave HTTP response to HTTPS client/, HINTS.http],
  [/x509:/, HINTS.certificate],
  [/unauthorized|authentication required|\b401\b|denied|\b403\b/i, HINTS.login],
  [/no such host/, HINTS.name],
  [/connection refused/, HINTS.nothingThere],
];

/** What they say when an image, or a part of it, is not there or not what its digest says. */
const GONE =
  /manifest unknown|name unknown|blob unknown|not found|\b404\b|digest did not match|does not match digest|corrupt/i;

/** Whether another try may help. A child that was ended because it took too long counts; one that was cancelled does not. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof CommandFailure)) return false;
  if (error.reason === 'timeout' || error.reason === 'idle') return true;
  if (error.reason !== 'exit') return false;
  const text = textOf(error);
  return TRANSIENT.some((pattern) => pattern.test(text));
}

/** What to do about it, where that is known. */
export function hintFor(error: CommandFailure): string | undefined {
  return KNOWN.find(([pattern]) => pattern.test(textOf(error)))?.[1];
}

/** Whether what was to be pulled is not there, or damaged. */
export function isGone(error: unknown): boolean {
  return error instanceof CommandFailure && error.reason === 'exit' && GONE.test(textOf(error));
}

/** The last thing that it said. */
export function lastLine(error: CommandFailure): string {
  return error.result.tail.findLast((line) => line.trim() !== '')?.trim() ?? error.message;
}

function textOf(error: CommandFailure): string {
  return error.result.tail.join('\n');
}
