import type { Exec } from '../command.ts';
import { createAgents } from '../http.ts';
import { loadCertificates } from './certificates.ts';
import { type Credentials, findCredentials, passwordFrom } from './credentials.ts';
import { Endpoint } from './endpoint.ts';
import { Host } from './host.ts';
import { loadRegistriesConf, type RegistriesConf } from './registries-conf.ts';
import { RegistryError } from './registry-error.ts';
import { Repository } from './repository.ts';
import { apiHost, splitRepository } from './repository-name.ts';
import {
  type RepositoryOptions,
  type RepositoryPlace,
  RepositoryPlaces,
  type RepositoryUse,
} from './repository-places.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What `registry_opts` say of the way to a registry. Paths are absolute. */
export interface RegistryAccess {
  readonly authFile?: string;
  /** `USER:PASSWORD` of `--creds`. */
  readonly credentials?: string;
  readonly certDir?: string;
  /** Undefined: registries.conf decides. */
  readonly tlsVerify?: boolean;
}

/** To one host at once; each is one of its workers. */
const CONNECTIONS = 24;

/**
 * The registries that one process talks to: a pool of connections, a greeting and tokens for each host, whichever layer asks.
 * Settings of the system count as they do for buildah.
 */
export class Registries {
  readonly #env: Environment;
  readonly #said = new Set<string>();
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #hosts = new Map<string, Host>();
  #conf: Promise<RegistriesConf> | undefined;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** `repository`: `HOST[:PORT]/PATH`, no tag. Nothing is asked yet. */
  repository(repository: string, access: RegistryAccess, options: RepositoryOptions): Repository {
    const { host, path } = splitRepository(repository);
    const name = `${host}/${path}`;
    const places = async (use: RepositoryUse): Promise<readonly RepositoryPlace[]> => {
      const conf = await this.#registriesConf();
      if (conf.blocks(name)) throw new RegistryError('refused', `${name} is blocked by registries.conf`);
      const from = use === 'write' ? [conf.writesTo(name)] : conf.readsFrom(name, use);
      return from.map((place) => {
        const at = splitRepository(place.repository);
        const insecure = access.tlsVerify === undefined ? place.insecure : !access.tlsVerify;
        // What was given for the registry is not for its mirrors.
        const { credentials: _, ...others } = access;
        const own = at.host === host ? access : others;
        return { endpoint: this.#endpoint(at, { ...own, insecure }), path: at.path };
      });
    };
    return new Repository(new RepositoryPlaces(name, places, options));
  }

  /** True the first time in this process: 500 layers must not say the same thing. */
  isFirst(message: string): boolean {
    if (this.#said.has(message)) return false;
    this.#said.add(message);
    return true;
  }

  /** Credentials may differ from path to path of a host. */
  #endpoint(at: { host: string; path: string }, access: RegistryAccess & { insecure: boolean }): Endpoint {
    const { insecure, certDir, authFile, credentials } = access;
    const key = JSON.stringify([at.host, at.path, insecure, certDir, authFile, credentials]);
    const existing = this.#endpoints.get(key);
    if (existing !== undefined) return existing;
    const host = this.#host(at.host, insecure, certDir);
    const endpoint = new Endpoint(host, () => this.#credentials(`${at.host}/${at.path}`, access));
    this.#endpoints.set(key, endpoint);
    return endpoint;
  }

  #host(name: string, insecure: boolean, certDir: string | undefined): Host {
    const key = JSON.stringify([name, insecure, certDir]);
    const existing = this.#hosts.get(key);
    if (existing !== undefined) return existing;
    const where = { env: this.#env, ...(certDir === undefined ? {} : { folder: certDir }) };
    const agents = async () => {
      const certificates = await loadCertificates(name, where);
      return createAgents({ verify: !insecure, maxSockets: CONNECTIONS, env: this.#env, ...certificates });
    };
    let made: ReturnType<typeof agents> | undefined;
    const host = new Host({
      name: apiHost(name),
      insecure,
      connections: CONNECTIONS,
      agents: () => {
        made ??= agents();
        return made;
      },
    });
    this.#hosts.set(key, host);
    return host;
  }

  async #credentials(repository: string, { credentials, authFile }: RegistryAccess): Promise<Credentials | undefined> {
    if (credentials !== undefined) return passwordFrom(credentials);
    const { credentialHelpers: helpers } = await this.#registriesConf();
    const exec: Exec = async (...args) => {
      const { createExec } = await import('../exec.ts');
      return createExec({ env: this.#env })(...args);
    };
    const where = authFile === undefined ? {} : { authFile };
    return findCredentials(repository, { env: this.#env, helpers, exec, ...where });
  }

  #registriesConf(): Promise<RegistriesConf> {
    this.#conf ??= loadRegistriesConf(this.#env);
    return this.#conf;
  }
}

let shared: Registries | undefined;

/** Those of this process's own environment. */
export function sharedRegistries(): Registries {
  shared ??= new Registries(process.env);
  return shared;
}
