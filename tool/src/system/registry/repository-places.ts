import { type RetryPolicy, retry } from '../retry.ts';
import type { Endpoint, Patience } from './endpoint.ts';
import { isPassing, RegistryError } from './registry-error.ts';
import type { Answer, Call } from './request.ts';

/** How long to try. A *question* is asked while a plan is made, of every layer: a dead host must not hold it up. */
export type Effort = 'question' | 'work';

export interface RepositoryOptions {
  readonly effort: Effort;
  /** Default: that of the effort. */
  readonly policy?: RetryPolicy;
  /** Of one request. Default: those of the effort. */
  readonly limits?: { readonly idleMs: number; readonly totalMs: number };
  readonly signal?: AbortSignal;
  readonly say?: (line: string) => void;
}

/** A repository at one place: a mirror, or the registry itself. */
export interface RepositoryPlace {
  readonly endpoint: Endpoint;
  /** Path below the host. */
  readonly path: string;
}

/** Mirrors may be asked by tag, by digest or not at all; only the registry itself is written to. */
export type RepositoryUse = 'tag' | 'digest' | 'write';

export const POLICIES: Readonly<Record<Effort, RetryPolicy>> = {
  question: { attempts: 2, baseMs: 200, capMs: 400 },
  work: { attempts: 7, baseMs: 1_000, capMs: 30_000 },
};
const LIMITS = {
  question: { idleMs: 4_000, totalMs: 8_000, quick: true },
  work: { idleMs: 60_000, totalMs: 10 * 60_000, quick: false },
};
/** A question whose answer would come later is no question any more. */
const LONGEST_WAIT_MS = 3_000;

/** Where one repository is read from and written to, each tried as often as the effort is worth. */
export class RepositoryPlaces {
  /** `HOST[:PORT]/PATH`. */
  readonly name: string;
  readonly #places: (use: RepositoryUse) => Promise<readonly RepositoryPlace[]>;
  readonly #options: RepositoryOptions;

  constructor(
    name: string,
    places: (use: RepositoryUse) => Promise<readonly RepositoryPlace[]>,
    options: RepositoryOptions,
  ) {
    this.name = name;
    this.#places = places;
    this.#options = options;
  }

  /** The first place that has it; where none has, the worst that was said. */
  async read<T>(use: RepositoryUse, direct: boolean, work: (place: RepositoryPlace) => Promise<T | undefined>) {
    let failure: unknown;
    for (const place of await this.#places(direct ? 'write' : use)) {
      try {
        const found = await this.#again(() => work(place));
        if (found !== undefined) return found;
        // The registry itself comes last: that it has not got it is the answer, whatever its mirrors said.
        failure = undefined;
      } catch (error) {
        this.#options.signal?.throwIfAborted();
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }

  /** At the one place that is written to. */
  async write<T>(work: (place: RepositoryPlace) => Promise<T>): Promise<T> {
    const [place] = await this.#places('write');
    if (place === undefined) throw new RegistryError('unexpected', `${this.name} is nowhere`);
    return this.#again(() => work(place));
  }

  #again<T>(work: () => Promise<T>): Promise<T> {
    const { effort, policy = POLICIES[effort], signal, say } = this.#options;
    const isWorth = (error: unknown) => {
      if (effort === 'work') return true;
      // A host that did not answer at all is not waited for twice; of a broken connection the endpoint has seen two.
      if (!(error instanceof RegistryError) || ['unreachable', 'broken', 'slow'].includes(error.kind)) return false;
      return (error.retryAfterMs ?? 0) <= LONGEST_WAIT_MS;
    };
    return retry(work, {
      policy,
      ...(signal ? { signal } : {}),
      retryable: (error) => isPassing(error) && isWorth(error),
      askedMs: (error) => (error instanceof RegistryError ? error.retryAfterMs : undefined),
      onRetry: (error, attempt, delayMs) => {
        const reason = error instanceof Error ? error.message : String(error);
        say?.(`${this.name}: attempt ${attempt} of ${policy.attempts} failed, next in ${delayMs} ms: ${reason}`);
      },
    });
  }

  /** `below`: a path below the repository, or a whole URL. */
  call(
    { endpoint, path }: RepositoryPlace,
    below: string | URL,
    call: Call,
    actions: readonly string[] = [],
    more: readonly string[] = [],
  ): Promise<Answer> {
    const isRead = call.method === 'GET' || call.method === 'HEAD';
    const scope = `repository:${path}:${[...(isRead ? ['pull'] : ['pull', 'push']), ...actions].join(',')}`;
    const at = below instanceof URL ? below : `${path}/${below}`;
    return endpoint.call({ ...call, path: at, scopes: [scope, ...more] }, this.#patience());
  }

  #patience(): Patience {
    const { effort, limits, signal } = this.#options;
    return { ...LIMITS[effort], ...limits, ...(signal ? { signal } : {}) };
  }

  /** Where the answer that began an upload wants it. */
  async uploadUrl({ endpoint }: RepositoryPlace, { headers }: Answer): Promise<URL> {
    if (headers.location === undefined)
      throw new RegistryError('unexpected', `${this.name}: an upload without Location`);
    return endpoint.resolve(headers.location, this.#patience());
  }
}
