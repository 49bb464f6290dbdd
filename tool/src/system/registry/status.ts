import { parsedJson } from './json.ts';
import { HINTS, RegistryError, type RegistryErrorKind } from './registry-error.ts';
import type { Answer } from './request.ts';

/** Of an answer that is not what was wanted, the error. `what` was asked for, in words. */
export function statusError({ status, headers, body }: Answer, what: string): RegistryError {
  const kind = kindOf(status);
  const codes = codesOf(body);
  const said = codes.length > 0 ? ` (${codes.join(', ')})` : '';
  const retryAfterMs = retryAfter(headers['retry-after']);
  return new RegistryError(kind, `${what}: the registry answered ${status}${said}`, {
    ...(kind === 'refused' ? { hint: HINTS.login } : {}),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** How registries say that it is not there: 404 whatever its code, and 400s of those that check the tag's history first. */
export function isMissing({ status, body }: Answer): boolean {
  if (status === 404 || status === 410) return true;
  const gone = [
    'MANIFEST_UNKNOWN',
    'NAME_UNKNOWN',
    'BLOB_UNKNOWN',
    'TAG_EXPIRED',
    'MANIFEST_BLOB_UNKNOWN',
    'NOT_FOUND',
  ];
  return status === 400 && codesOf(body).some((code) => gone.includes(code));
}

function kindOf(status: number): RegistryErrorKind {
  if (status === 401 || status === 403 || status === 407) return 'refused';
  if (status === 404 || status === 410) return 'missing';
  if (status === 429) return 'rate-limited';
  if (status === 408 || status === 425) return 'slow';
  return status >= 500 ? 'server' : 'unexpected';
}

/** Only codes: messages may quote what we sent. */
function codesOf(body: Buffer): string[] {
  const { errors } = parsedJson<{ errors?: { code?: unknown }[] } | null>(body) ?? {};
  const codes = Array.isArray(errors) ? errors.map((one) => one?.code) : [];
  return codes.filter((code) => typeof code === 'string' && /^[A-Z_]{3,40}$/.test(code)) as string[];
}

/** Seconds, or a date. */
function retryAfter(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text.trim())) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}
