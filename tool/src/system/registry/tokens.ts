import type { Challenge } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import { parsedJson } from './json.ts';
import { RegistryError } from './registry-error.ts';
import { type Agents, type Call, type Limits, send } from './request.ts';
import { statusError } from './status.ts';

type BearerChallenge = Extract<Challenge, { scheme: 'bearer' }>;

interface Token {
  readonly value: string;
  /** As of `performance.now()`. */
  readonly until: number;
}

/** As the token specification says, when the answer does not. */
const DEFAULT_SECONDS = 60;
/** A token that ends while a request is on its way is of no use. */
const MARGIN_MS = 5_000;

/** Bearer tokens of one host and one account, by scope: many requests at once are one request for a token. */
export class Tokens {
  readonly #known = new Map<string, { readonly token: Promise<Token>; until: number }>();

  /** `scopes`: `repository:PATH:pull,push`. `credentials` is called when a token has to be asked for. Throws RegistryError. */
  async get(
    challenge: BearerChallenge,
    scopes: readonly string[],
    credentials: () => Promise<Credentials | undefined>,
    agents: Agents,
    limits: Limits,
  ): Promise<string> {
    const key = JSON.stringify([challenge.realm, challenge.service, scopes]);
    const known = this.#known.get(key);
    if (known !== undefined && known.until > performance.now()) return (await known.token).value;
    const token = credentials().then((found) => ask(challenge, scopes, found, agents, limits));
    const entry = { token, until: Number.POSITIVE_INFINITY };
    this.#known.set(key, entry);
    try {
      const { value, until } = await token;
      entry.until = until;
      return value;
    } catch (error) {
      if (this.#known.get(key) === entry) this.#known.delete(key);
      throw error;
    }
  }

  /** After a 401: what is known is not taken any more. */
  forget(): void {
    this.#known.clear();
  }
}

async function ask(
  { realm, service }: BearerChallenge,
  scopes: readonly string[],
  credentials: Credentials | undefined,
  agents: Agents,
  limits: Limits,
): Promise<Token> {
  const url = URL.parse(realm);
  if (url === null) {
    throw new RegistryError('unexpected', 'the registry names no address for tokens (WWW-Authenticate)');
  }
  const asked = performance.now();
  const answer = await send(...tokenRequest(url, service, scopes, credentials), agents, limits);
  if (answer.status !== 200) throw statusError(answer, `a token from ${url.host}`);
  const body = parsedJson<{ token?: unknown; access_token?: unknown; expires_in?: unknown }>(answer.body) ?? {};
  const value = body.token || body.access_token;
  if (typeof value !== 'string') throw new RegistryError('unexpected', `${url.host} answered without a token`);
  const seconds = typeof body.expires_in === 'number' && body.expires_in > 0 ? body.expires_in : DEFAULT_SECONDS;
  return { value, until: asked + Math.max(1_000, seconds * 1_000 - MARGIN_MS) };
}

/** A GET with Basic as the registry's specification has it, or OAuth2 for an identity token, whose secret must not be in a URL. */
function tokenRequest(
  url: URL,
  service: string | undefined,
  scopes: readonly string[],
  credentials: Credentials | undefined,
): [URL, Call] {
  if (credentials?.kind === 'identity') {
    const body = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: credentials.token,
      client_id: 'layers',
      ...(service === undefined ? {} : { service }),
      scope: scopes.join(' '),
    }).toString();
    return [url, { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded' } }];
  }
  const asking = new URL(url);
  if (service !== undefined) asking.searchParams.set('service', service);
  for (const scope of scopes) asking.searchParams.append('scope', scope);
  return [asking, { method: 'GET', headers: basicHeader(credentials) }];
}

/** Nothing without a password. */
export function basicHeader(credentials: Credentials | undefined): Record<string, string> {
  if (credentials?.kind !== 'password') return {};
  const text = Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64');
  return { authorization: `Basic ${text}` };
}
