import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { registriesConfFile } from '../registries-conf-file.ts';

type Environment = Readonly<Record<string, string | undefined>>;

interface Location {
  readonly location?: string;
  readonly insecure?: boolean;
}

interface Mirror extends Location {
  readonly 'pull-from-mirror'?: string;
}

interface RegistryTable extends Location {
  readonly prefix?: string;
  readonly blocked?: boolean;
  readonly mirror?: readonly Mirror[];
  readonly 'mirror-by-digest-only'?: boolean;
}

interface ConfigFile {
  readonly registry?: readonly RegistryTable[];
  readonly 'credential-helpers'?: readonly string[];
  readonly registries?: Readonly<Record<string, { readonly registries?: readonly string[] }>>;
}

/** A place that is asked for a repository. */
interface RegistryPlace {
  /** `HOST[:PORT]/PATH`. */
  readonly repository: string;
  /** Plain HTTP and any certificate are taken. */
  readonly insecure: boolean;
}

/** containers-registries.conf(5), as far as full names are concerned. */
export interface RegistriesConf {
  /** Programs to ask for credentials, in order; `containers-auth.json` stands for the auth files. */
  readonly credentialHelpers: readonly string[];
  /** The file that forbids a repository; undefined: it may be used. */
  blocks(repository: string): boolean;
  /** Where to read: mirrors in their order, then the location. */
  readsFrom(repository: string, by: 'tag' | 'digest'): readonly RegistryPlace[];
  /** Where to write. Neither mirrors nor other locations count for that, as for buildah. */
  writesTo(repository: string): RegistryPlace;
}

const SYSTEM = '/etc/containers/registries.conf';

/**
 * Reads registries.conf and the files of registries.conf.d: of one prefix the last table counts. Throws an Error that names the
 * file where one is no TOML.
 */
export async function loadRegistriesConf(env: Environment): Promise<RegistriesConf> {
  const own = env.HOME === undefined ? undefined : path.join(env.HOME, '.config/containers');
  const asked = registriesConfFile(env);
  const candidates = asked === undefined ? [own && path.join(own, 'registries.conf'), SYSTEM] : [asked];
  const main = await firstOf(candidates);
  const folders = [`${SYSTEM}.d`, ...(own === undefined ? [] : [path.join(own, 'registries.conf.d')])];
  const files = [main, ...(await Promise.all(folders.map(dropIns))).flat()].filter((file) => file !== undefined);
  const tables = new Map<string, RegistryTable>();
  let credentialHelpers: readonly string[] = [];
  for (const file of files) {
    for (const table of [...(file.registry ?? []), ...oldTables(file)]) {
      const prefix = trimmed(table.prefix ?? '') || trimmed(table.location ?? '');
      if (prefix !== '') tables.set(prefix, table);
    }
    credentialHelpers = file['credential-helpers'] ?? credentialHelpers;
  }
  return confOf(tables, credentialHelpers.length > 0 ? credentialHelpers : ['containers-auth.json']);
}

function confOf(tables: ReadonlyMap<string, RegistryTable>, credentialHelpers: readonly string[]): RegistriesConf {
  const find = (repository: string) => {
    const matching = [...tables].flatMap(([prefix, table]) => {
      const covered = coveredBy(prefix, repository);
      return covered === undefined ? [] : [{ covered, table }];
    });
    return matching.toSorted((a, b) => b.covered.length - a.covered.length)[0];
  };
  return {
    credentialHelpers,
    blocks: (repository) => find(repository)?.table.blocked === true,
    writesTo: (repository) => ({ repository, insecure: find(repository)?.table.insecure === true }),
    readsFrom(repository, by) {
      const found = find(repository);
      if (found === undefined) return [{ repository, insecure: false }];
      const { covered, table } = found;
      const placeAt = (at: Location): RegistryPlace => ({
        repository: rewritten(repository, covered, at.location),
        insecure: at.insecure === true,
      });
      const mirrors = (table.mirror ?? []).filter((mirror) => {
        if (table['mirror-by-digest-only'] === true) return by === 'digest';
        const only = mirror['pull-from-mirror'] ?? 'all';
        return only === 'all' || only === '' || only === `${by}-only`;
      });
      return [...mirrors.map(placeAt), placeAt(table)];
    },
  };
}

/**
 * How much of a repository's beginning a prefix stands for: `*.example.com` for every host below, any other for itself, up to a `/`, as a
 * port belongs to the host.
 */
function coveredBy(prefix: string, repository: string): string | undefined {
  const [host = ''] = repository.split('/');
  if (prefix.startsWith('*.')) return host.endsWith(prefix.slice(1)) ? host : undefined;
  return repository === prefix || repository.startsWith(`${prefix}/`) ? prefix : undefined;
}

function rewritten(repository: string, covered: string, location: string | undefined): string {
  const target = trimmed(location ?? '');
  return target === '' ? repository : target + repository.slice(covered.length);
}

function trimmed(text: string): string {
  return text.replace(/\/+$/, '');
}

/** Version 1 of the format: lists of hosts. */
function* oldTables({ registries = {} }: ConfigFile): Generator<RegistryTable> {
  for (const location of registries.insecure?.registries ?? []) yield { location, insecure: true };
  for (const location of registries.block?.registries ?? []) yield { location, blocked: true };
}

async function firstOf(files: readonly (string | undefined)[]): Promise<ConfigFile | undefined> {
  for (const file of files) {
    const found = file === undefined ? undefined : await read(file);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function dropIns(folder: string): Promise<(ConfigFile | undefined)[]> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.endsWith('.conf')).toSorted();
  return Promise.all(files.map((name) => read(path.join(folder, name))));
}

async function read(file: string): Promise<ConfigFile | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  // Most machines' files hold comments, aliases of short names, or nothing: no parser is loaded for these.
  if (!/^\s*(\[+\s*"?registr|registry\s*=|"?credential-helpers)/m.test(text)) return {};
  const { parse } = await import('smol-toml');
  try {
    return parse(text) as ConfigFile;
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new Error(`${file}: ${line}`, { cause: error });
  }
}
