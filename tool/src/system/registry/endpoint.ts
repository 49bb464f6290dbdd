import { type Challenge, parseChallenge } from './challenge.ts';
import type { Credentials } from './credentials.ts';
import type { Host } from './host.ts';
import { RegistryError } from './registry-error.ts';
import { type Agents, type Answer, type Call, type Limits, onceMoreIfBroken, send } from './request.ts';
import { basicHeader, Tokens } from './tokens.ts';

const REDIRECTS = 5;

/** A request below `/v2/`, or at an absolute URL that the registry gave. */
export interface RegistryCall extends Call {
  readonly path: string | URL;
  /** What a bearer token must allow: `repository:PATH:pull`. */
  readonly scopes: readonly string[];
}

export interface Patience extends Limits {
  /** A question: a host that did not answer before is not tried again, and nobody tries again after us. */
  readonly quick: boolean;
}

/** A host as one account. */
export class Endpoint {
  readonly #host: Host;
  readonly #find: () => Promise<Credentials | undefined>;
  readonly #tokens = new Tokens();
  #credentials: Promise<Credentials | undefined> | undefined;

  constructor(host: Host, credentials: () => Promise<Credentials | undefined>) {
    this.#host = host;
    this.#find = credentials;
  }

  get host(): string {
    return this.#host.name;
  }

  /** An address that the registry gave, which may be relative. */
  async resolve(location: string, limits: Limits): Promise<URL> {
    const { base } = await this.#host.greet(limits);
    return new URL(location, base);
  }

  /** Throws RegistryError where there is no answer; whatever the status, an answer is one. */
  call(call: RegistryCall, patience: Patience): Promise<Answer> {
    return this.#host.answering(patience, () => {
      const work = () => this.#authorized(call, patience);
      return patience.quick ? onceMoreIfBroken(work) : work();
    });
  }

  async #authorized(call: RegistryCall, limits: Limits): Promise<Answer> {
    const { base, challenge, agents } = await this.#host.greet(limits);
    const url = call.path instanceof URL ? call.path : new URL(call.path, base);
    // An upload that the registry sends elsewhere is not shown what is for the registry.
    if (url.host !== base.host) return follow(url, call, agents, limits);
    const attempt = async (wanted: Challenge | undefined, scopes: readonly string[]) => {
      const proof = wanted === undefined ? {} : await this.#proof(wanted, scopes, agents, limits);
      return follow(url, { ...call, headers: { ...call.headers, ...proof } }, agents, limits);
    };
    const answer = await attempt(challenge, call.scopes);
    if (answer.status !== 401) return answer;
    // Some ask only where it matters, or for another scope than the specification's; and what was found may have run out.
    const asked = parseChallenge(answer.headers['www-authenticate']) ?? challenge;
    if (asked === undefined) return answer;
    this.#tokens.forget();
    this.#credentials = undefined;
    const scopes = asked.scheme === 'bearer' && asked.scope !== undefined ? asked.scope.split(' ') : call.scopes;
    return attempt(asked, scopes);
  }

  async #proof(
    challenge: Challenge,
    scopes: readonly string[],
    agents: Agents,
    limits: Limits,
  ): Promise<Record<string, string>> {
    const credentials = () => {
      this.#credentials ??= this.#find();
      return this.#credentials;
    };
    if (challenge.scheme === 'basic') return basicHeader(await credentials());
    return { authorization: `Bearer ${await this.#tokens.get(challenge, scopes, credentials, agents, limits)}` };
  }
}

/** Redirects of blobs lead to other hosts, which must not see what is for this one. */
async function follow(url: URL, call: Call, agents: Agents, limits: Limits): Promise<Answer> {
  let place = url;
  let { headers = {} } = call;
  const isRead = call.method === 'GET' || call.method === 'HEAD';
  for (let hop = 0; hop <= REDIRECTS; hop += 1) {
    const answer = await send(place, { ...call, headers }, agents, limits);
    const to = answer.headers.location;
    if (!isRead || answer.status < 300 || answer.status >= 400 || to === undefined) return answer;
    const next = new URL(to, place);
    if (next.origin !== place.origin) {
      const { authorization: _, ...others } = headers;
      headers = others;
    }
    place = next;
  }
  throw new RegistryError('unexpected', `${url.host}: more than ${REDIRECTS} redirects`);
}
