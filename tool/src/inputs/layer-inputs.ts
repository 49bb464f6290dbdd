import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Diagnostic, InvalidInput } from '../config/diagnostic.ts';
import type { Layer } from '../config/layer.ts';
import type { Exec } from '../system/command.ts';
import { requirementFiles } from './ansible-requirements.ts';
import { type CopiedEntry, copiedSources, ignoreFiles, nameOf, resolveSource, setsMode } from './copyfiles.ts';
import type { Digester, Entry } from './digest-file.ts';
import { environmentOf } from './environment-inputs.ts';
import { InputFailure } from './input-failure.ts';
import { layersIgnore } from './layers-ignore.ts';
import type { NamedFile } from './named-file.ts';
import type { OwnFolders } from './own-folders.ts';
import { toolVersions } from './tool-versions.ts';

/**
 * What a layer reads from the machine, as far as that is known without running anything: of an Ansible layer not what its
 * playbooks read, which only a run can tell (`input-set-digests.ts`). Names are paths relative to the root
 * (`layers/files/motd`) or, for what lies outside the tree, absolute; never an absolute path of one checkout.
 */
export interface LayerInputs {
  /**
   * name → digest of type, mode and content (`sha256:…`), a folder of `copyfiles` one entry a file; and
   * `inventory-script:NAME` → digest of what the script says of the layer.
   */
  readonly files: Readonly<Record<string, string>>;
  /** Tools whose version changes the result, cut as `tool_versions` says. */
  readonly tools: Readonly<Record<string, string>>;
  /** Variables that reach what the layer runs: name → `sha256:…` of the value. */
  readonly environment: Readonly<Record<string, string>>;
  /** Warnings found on the way (a tracked file that is more private on disk). */
  readonly warnings: readonly string[];
  /** Of `files`: differs when any of them was written meanwhile, even when it was changed back; and when a script says something else. */
  readonly stamp: string;
}

export interface InputPlaces {
  /** Absolute root of the tree. */
  readonly root: string;
  readonly digester: Digester;
  /** The user's, for ANSIBLE_CONFIG and the like. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For inventory scripts and rpm's database; made from `env` where it is needed and absent. */
  readonly exec?: Exec;
  /** Where runs themselves write; made when it is asked for. Undefined: nobody writes while this reads. */
  readonly own?: () => OwnFolders;
  /** What inventory scripts said, for one look at the tree: each is asked once for all layers, and again by the next look. */
  readonly answers?: ScriptAnswers;
}

/** Command → what it printed, parsed. */
export type ScriptAnswers = Map<string, Promise<unknown>>;

/**
 * Digests of all that a layer is known to read. Throws InvalidInput with a diagnostic for each file that is missing, unreadable,
 * or no file at all (a FIFO, a device), and for an inventory script that fails.
 */
export async function layerInputs(layer: Layer, places: InputPlaces): Promise<LayerInputs> {
  const { root, digester } = places;
  const entries = new Map<string, Entry>();
  const exposed: string[] = [];
  const unlike: string[] = [];
  const problems: Diagnostic[] = [];
  const collect = collectorFor(layer, problems);
  const copying = { digester, isIgnored: await layersIgnore(root) };
  for (const copyfile of layer.copyfiles) {
    for (const source of collect(() => copiedSources(root, layer.file, copyfile, copying))) {
      for (const entry of source.entries) {
        entries.set(entry.name, entry);
        if (setsMode(copyfile)) continue;
        if (isExposed(entry)) exposed.push(entry.name);
        else if (isMadeExecutable(entry)) unlike.push(entry.name);
      }
    }
  }
  for (const { name, path } of namedFiles(layer, root)) {
    for (const entry of collect(() => [digester.look(path, true)])) entries.set(name, entry);
  }
  const ansible = layer.options.layer_type === 'ansible' ? await import('./ansible-fixed.ts') : undefined;
  const values = (await ansible?.fixedValues(layer, places, problems)) ?? {};
  if (problems.length > 0)
    throw new InvalidInput(`${layer.file} names files that cannot be used`, { diagnostics: problems, root });
  const names = [...entries.keys()].sort();
  const digests = names.map((name) => [name, (entries.get(name) as Entry).digest] as const);
  return {
    files: sorted([...digests, ...Object.entries(values)]),
    tools: await toolVersions(layer, places),
    environment: environmentOf(layer, places.env),
    warnings: [...warningOf(exposed, EXPOSED), ...warningOf(unlike, EXECUTABLE)],
    // Made only when asked: a null build compares nothing.
    get stamp() {
      const states = names.map((name) => `${name} ${entries.get(name)?.state.join()}`);
      return [...states, ...Object.entries(values).map((pair) => pair.join(' '))].join('\n');
    },
  };
}

function sorted(entries: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Lets the work go on after a file that cannot be used, so that all of them are told at once. */
function collectorFor(layer: Layer, problems: Diagnostic[]): <T>(read: () => T[]) => T[] {
  return (read) => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof InputFailure)) throw error;
      const { reason, message, hint } = error;
      problems.push({ severity: 'error', code: `${reason}-input`, message, file: layer.file, ...(hint && { hint }) });
      return [];
    }
  };
}

/** Files that the layer file names beside its sources. */
export function namedFiles(layer: Layer, root: string): NamedFile[] {
  const ignores = layer.copyfiles.flatMap((copyfile) => ignoreFiles(root, layer.file, copyfile));
  const { files: requirements } = requirementFiles(layer, root);
  return [
    ...keyFiles(layer, root),
    ...[...ignores, ...requirements].map((path) => ({ name: nameOf(root, path), path })),
  ];
}

/** Signing keys of repositories that are files here: all that package managers read of a tree. */
export function keyFiles(layer: Layer, root: string): NamedFile[] {
  const paths = [...layer.repos, ...layer.exclusive_repos].flatMap(({ gpg = '' }) => keyFile(gpg, layer, root));
  return paths.map((path) => ({ name: nameOf(root, path), path }));
}

/** A signing key named by path; one at a URL is the package manager's to fetch. */
function keyFile(gpg: string, layer: Layer, root: string): string[] {
  if (gpg === '' || gpg.includes('-----BEGIN PGP PUBLIC KEY BLOCK-----')) return [];
  if (!/^[a-z]+:\/\//i.test(gpg)) return [resolveSource(root, layer.file, gpg)];
  // `file://` may mean the image's own: it counts where it is here as well.
  return gpg.startsWith('file:///') && existsSync(fileURLToPath(gpg)) ? [fileURLToPath(gpg)] : [];
}

function isExposed(entry: CopiedEntry): boolean {
  return entry.kind === 'file' && (entry.mode & ~entry.diskMode & 0o044) !== 0;
}

/** Somebody ran `chmod +x`, and git does not know yet: the image would get a script that cannot be run. */
function isMadeExecutable(entry: CopiedEntry): boolean {
  return entry.kind === 'file' && (entry.diskMode & ~entry.mode & 0o100) !== 0 && (entry.diskMode & 0o022) === 0;
}

const EXPOSED = "private on disk, but the image gets git's mode; set one with opts: [--chmod, '0600']";
const EXECUTABLE =
  "executable on disk, but the image gets git's mode: 'git add' it, or set one with opts: [--chmod, '0755']";

function warningOf(names: readonly string[], what: string): string[] {
  if (names.length === 0) return [];
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return [`${names.slice(0, 3).join(', ')}${more}: ${what}`];
}
