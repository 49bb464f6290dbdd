import { type Challenge, parseChallenge } from './challenge.ts';
import { HINTS, RegistryError } from './registry-error.ts';
import { type Agents, type Limits, send } from './request.ts';
import { statusError } from './status.ts';

interface HostSettings {
  /** `HOST[:PORT]` where requests go. */
  readonly name: string;
  /** Plain HTTP is taken where HTTPS does not answer. */
  readonly insecure: boolean;
  /** Throws an Error that names the file where certs.d is not as it should be. */
  readonly agents: () => Promise<Agents>;
}

export interface Greeting {
  /** `https://HOST/v2/` */
  readonly base: URL;
  /** What it wants to see; undefined: nothing. */
  readonly challenge: Challenge | undefined;
  readonly agents: Agents;
}

/** How a host speaks and what it wants to see, found out by one request for all that follow. */
export class Host {
  readonly name: string;
  readonly #settings: HostSettings;
  #greeting: Promise<Greeting> | undefined;
  /** Why it did not answer last. */
  #down: RegistryError | undefined;

  constructor(settings: HostSettings) {
    this.name = settings.name;
    this.#settings = settings;
  }

  /** What `work` gives. `quick`: throws at once where the host did not answer before, so that 500 questions do not wait 500 times. */
  async answering<T>(quick: boolean, work: () => Promise<T>): Promise<T> {
    if (quick && this.#down !== undefined) throw this.#down;
    try {
      const result = await work();
      this.#down = undefined;
      return result;
    } catch (error) {
      if (error instanceof RegistryError && (error.kind === 'unreachable' || error.kind === 'tls')) this.#down = error;
      throw error;
    }
  }

  /** Many callers at once are one request. A failure is forgotten, so that it can be tried again. Throws RegistryError. */
  greet(limits: Limits): Promise<Greeting> {
    if (this.#greeting !== undefined) return this.#greeting;
    const greeting = this.#ask(limits);
    this.#greeting = greeting;
    greeting.catch(() => {
      if (this.#greeting === greeting) this.#greeting = undefined;
    });
    return greeting;
  }

  async #ask(limits: Limits): Promise<Greeting> {
    const { name, insecure } = this.#settings;
    const agents = await this.#settings.agents();
    const ping = async (scheme: 'http' | 'https') => {
      const base = new URL(`${scheme}://${name}/v2/`);
      return { base, answer: await send(base, { method: 'GET' }, agents, limits) };
    };
    const { base, answer } = await ping('https').catch(async (error: unknown) => {
      if (!insecure || !(error instanceof RegistryError)) throw error;
      return ping('http').catch((second: unknown) => {
        throw error.kind === 'tls' ? second : error;
      });
    });
    if (answer.status >= 500 || answer.status === 429) throw statusError(answer, name);
    if (answer.status !== 401) return { base, challenge: undefined, agents };
    const challenge = parseChallenge(answer.headers['www-authenticate']);
    if (challenge !== undefined) return { base, challenge, agents };
    const what = `${name} asks for an authentication that is neither Basic nor Bearer`;
    throw new RegistryError('refused', what, { hint: HINTS.login });
  }
}
