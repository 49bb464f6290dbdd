/**
 * Why a registry did not give what was asked of it. `missing` is no error for a read: those give undefined.
 * - `unreachable`: no connection (name, refused, no route), or no greeting; another try may help.
 * - `broken`: the connection ended before the answer was whole. A kept one that the other side had just closed looks like that.
 * - `slow`: connected, and no answer in time.
 * - `tls`: its certificate, or plain HTTP where HTTPS is wanted.
 * - `refused`: 401, 403, or blocked by registries.conf.
 * - `rate-limited`: 429.
 * - `server`: 5xx.
 * - `digest`: the bytes are not those of the digest: damaged or tampered with.
 * - `unexpected`: any other answer.
 */
export type RegistryErrorKind =
  | 'unreachable'
  | 'broken'
  | 'slow'
  | 'tls'
  | 'refused'
  | 'rate-limited'
  | 'server'
  | 'digest'
  | 'missing'
  | 'unexpected';

/** What a registry, or the way to it, did. The message names host and what was asked; never credentials. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly kind: RegistryErrorKind;
  readonly hint?: string;
  /** What Retry-After asks for. */
  readonly retryAfterMs?: number;

  constructor(
    kind: RegistryErrorKind,
    message: string,
    more: { readonly hint?: string; readonly retryAfterMs?: number; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.kind = kind;
    if (more.hint !== undefined) this.hint = more.hint;
    if (more.retryAfterMs !== undefined) this.retryAfterMs = more.retryAfterMs;
  }
}

/** Whether another try may help. */
export function isPassing(error: unknown): boolean {
  return (
    error instanceof RegistryError && ['unreachable', 'broken', 'slow', 'rate-limited', 'server'].includes(error.kind)
  );
}

export const HINTS = {
  http: 'The registry speaks plain HTTP: registry_opts_push: ["--tls-verify=false"], or insecure = true in registries.conf.',
  certificate:
    'Put the CA into the system’s store or /etc/containers/certs.d/HOST, or name its folder: registry_opts_push: ["--cert-dir=DIR"].',
  login:
    'Log in (buildah login HOST), or give registry_opts_push: ["--authfile=FILE"]; check that the account may push there.',
  name: 'Check the host name in publish_registry.',
  nothingThere: 'Nothing listens there: check host and port in publish_registry.',
} as const;
