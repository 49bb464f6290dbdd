import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Diagnostic, InvalidInput } from '../config/diagnostic.ts';
import type { Layer } from '../config/layer.ts';
import type { AnsibleInputs } from './ansible-static.ts';
import { type CopiedEntry, copiedSources, ignoreFiles, nameOf, resolveSource, setsMode } from './copyfiles.ts';
import type { Digester, Entry } from './digest-file.ts';
import { InputFailure } from './input-failure.ts';
import type { NamedFile } from './named-file.ts';

/**
 * What a layer reads from the machine, by name. Names are paths relative to the root (`playbooks/roles/x/tasks/main.yml`) or, for
 * what lies outside the tree, symbolic (`ansible.cfg:/etc/ansible/ansible.cfg`). Never an absolute path of one checkout.
 */
export interface LayerInputs {
  /** name → digest of type, mode and content (`sha256:…`); for a folder of `copyfiles` one entry a file. */
  readonly files: Readonly<Record<string, string>>;
  /** Warnings found on the way (a tracked file that is more private on disk, an unreadable file). */
  readonly warnings: readonly string[];
  /** Differs when anything was written meanwhile, even when it was changed back. */
  readonly stamp: string;
}

export interface InputPlaces {
  /** Absolute root of the tree. */
  readonly root: string;
  readonly digester: Digester;
  /** For ANSIBLE_CONFIG and the like. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Digests of all that a layer reads. Throws InvalidInput with a diagnostic for each file that is missing, unreadable, or no
 * file at all (a FIFO, a device).
 */
export async function layerInputs(layer: Layer, places: InputPlaces): Promise<LayerInputs> {
  const { root, digester } = places;
  const entries = new Map<string, Entry>();
  const exposed: string[] = [];
  const problems: Diagnostic[] = [];
  const collect = collectorFor(layer, problems);
  for (const copyfile of layer.copyfiles) {
    for (const source of collect(() => copiedSources(root, layer.file, copyfile, digester))) {
      for (const entry of source.entries) {
        entries.set(entry.name, entry);
        if (isExposed(entry) && !setsMode(copyfile)) exposed.push(entry.name);
      }
    }
  }
  const ansible = await inputsOfAnsible(layer, places);
  for (const { name, path } of [...namedFiles(layer, root), ...ansible.files]) {
    for (const entry of collect(() => [digester.look(path, true)])) entries.set(name, entry);
  }
  if (problems.length > 0)
    throw new InvalidInput(`${layer.file} names files that cannot be used`, { diagnostics: problems, root });
  const names = [...entries.keys()].sort();
  const digests = [
    ...names.map((name) => [name, (entries.get(name) as Entry).digest]),
    ...Object.entries(ansible.values),
  ];
  return {
    files: Object.fromEntries(digests.sort(([a = ''], [b = '']) => (a < b ? -1 : 1))),
    warnings: exposed.length === 0 ? [] : [exposedWarning(exposed)],
    // Made only when asked: a null build compares nothing.
    get stamp() {
      return names.map((name) => `${name} ${entries.get(name)?.state.join()}`).join('\n');
    },
  };
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

async function inputsOfAnsible(layer: Layer, places: InputPlaces): Promise<AnsibleInputs> {
  if (layer.options.layer_type !== 'ansible') return { files: [], values: {} };
  const { ansibleInputs } = await import('./ansible-static.ts');
  return ansibleInputs(layer, places);
}

/** Files that the layer file names beside its sources. */
function namedFiles(layer: Layer, root: string): NamedFile[] {
  const keys = [...layer.repos, ...layer.exclusive_repos].flatMap(({ gpg = '' }) => keyFile(gpg, layer, root));
  const ignores = layer.copyfiles.flatMap((copyfile) => ignoreFiles(root, layer.file, copyfile));
  return [...keys, ...ignores].map((path) => ({ name: nameOf(root, path), path }));
}

/** A signing key named by path; one at a URL is the package manager's to fetch. */
function keyFile(gpg: string, layer: Layer, root: string): string[] {
  if (gpg === '') return [];
  if (!/^[a-z]+:\/\//i.test(gpg)) return [resolveSource(root, layer.file, gpg)];
  // `file://` may mean the image's own: it counts where it is here as well.
  return gpg.startsWith('file:///') && existsSync(fileURLToPath(gpg)) ? [fileURLToPath(gpg)] : [];
}

function isExposed(entry: CopiedEntry): boolean {
  return entry.kind === 'file' && (entry.mode & ~entry.diskMode & 0o044) !== 0;
}

function exposedWarning(names: readonly string[]): string {
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return `${names.slice(0, 3).join(', ')}${more}: private on disk, but the image gets git's mode; set one with opts: [--chmod, '0600']`;
}
