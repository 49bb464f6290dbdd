import PQueue from 'p-queue';
import { type Challenge, parseChallenge } from './challenge.ts';
import { HINTS, RegistryError } from './registry-error.ts';
import { type Agents, type Limits, onceMoreIfBroken, send } from './request.ts';
import { statusError } from './status.ts';

interface HostSettings {
  /** `HOST[:PORT]` where requests go. */
  readonly name: string;
  /** Plain HTTP is taken where HTTPS does not answer. */
  readonly insecure: boolean;
  /** As many as the agents have: what is under way never waits for one, so that its time limits are the host's alone. */
  readonly connections: number;
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

/** Calls in a row without an answer after which a host that greeted us counts as down. */
const MOST_UNANSWERED = 3;

/** How a host speaks and what it wants to see, found out by one request for all that follow. */
export class Host {
  readonly name: string;
  readonly #settings: HostSettings;
  #greeting: Promise<Greeting> | undefined;
  readonly #queue: PQueue;
  /** Why it did not answer last. */
  #down: RegistryError | undefined;
  /** Since its last answer. */
  #unanswered = 0;

  constructor(settings: HostSettings) {
    this.name = settings.name;
    this.#settings = settings;
    this.#queue = new PQueue({ concurrency: settings.connections });
  }

  /**
   * What `work` gives, once a connection is free. `quick`: throws at once where the host is down, so that 500 questions do not wait 500
   * times. It is down when it could not be reached; one call that breaks or takes too long does not prove that, several in a row do.
   */
  answering<T>(
    { quick, signal }: { readonly quick: boolean; readonly signal?: AbortSignal },
    work: () => Promise<T>,
  ): Promise<T> {
    const call = async () => {
      if (quick && this.#down !== undefined) throw this.#down;
      try {
        const result = await work();
        this.#down = undefined;
        this.#unanswered = 0;
        return result;
      } catch (error) {
        if (error instanceof RegistryError) this.#failed(error);
        throw error;
      }
    };
    return this.#queue.add(call, signal === undefined ? {} : { signal });
  }

  #failed(error: RegistryError): void {
    if (error.kind === 'broken' || error.kind === 'slow') this.#unanswered += 1;
    const isAway = error.kind === 'unreachable' || error.kind === 'tls';
    if (isAway || this.#unanswered >= MOST_UNANSWERED) this.#down = error;
  }

  /** Many callers at once are one request. A failure is forgotten, so that it can be tried again. Throws RegistryError. */
  greet(limits: Limits): Promise<Greeting> {
    if (this.#greeting !== undefined) return this.#greeting;
    const greeting = this.#reach(limits);
    this.#greeting = greeting;
    greeting.catch(() => {
      if (this.#greeting === greeting) this.#greeting = undefined;
    });
    return greeting;
  }

  /** A host that does not greet is not reached, however it went. */
  #reach(limits: Limits): Promise<Greeting> {
    return onceMoreIfBroken(() => this.#ask(limits)).catch((cause: unknown) => {
      const isAway = cause instanceof RegistryError && (cause.kind === 'broken' || cause.kind === 'slow');
      throw isAway ? new RegistryError('unreachable', cause.message, { cause }) : cause;
    });
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
