import type { Layer } from '../config/layer.ts';
import type { Problem } from './link-problems.ts';
import { formatReference, type Reference } from './reference.ts';

/** What is known of registries that have more than one name. Plain data, as this room asks nobody. */
export interface RegistryNames {
  /** Of layers.yaml: groups of `HOST[:PORT][/PATH]`, each name in one group. */
  readonly groups: readonly (readonly string[])[];
  /** Of this machine: repository of a parent → the repositories that it is read from instead. */
  readonly readFrom: ReadonlyMap<string, readonly string[]>;
}

export const NO_OTHER_NAMES: RegistryNames = { groups: [], readFrom: new Map() };

/** Gives a repository the first name of its registry's group; of a path and its host, the path's group counts. */
export function canonicalNames(groups: RegistryNames['groups']): (reference: Reference) => Reference {
  const first = new Map(groups.flatMap((names) => names.map((name) => [name, names[0] as string] as const)));
  return (reference) => {
    if (reference.transport !== '') return reference;
    let { repository } = reference;
    // A group's first name may lie below a name of another group, and that once for each group at most.
    for (const _ of groups) {
      const renamed = firstName(repository, first);
      if (renamed === repository) break;
      repository = renamed;
    }
    return { ...reference, repository };
  };
}

function firstName(repository: string, first: ReadonlyMap<string, string>): string {
  for (let end = repository.length; end > 0; end = repository.lastIndexOf('/', end - 1)) {
    const name = first.get(repository.slice(0, end));
    if (name !== undefined) return name + repository.slice(end);
  }
  return repository;
}

/**
 * The line of layers.yaml that makes one of two repositories' registries: what is left of the two without the path they share. Undefined
 * where one has no registry in its name.
 */
export function sayOneRegistry(published: string, parent: string): string | undefined {
  const [own, other] = [published.split('/'), parent.split('/')];
  while (own.length > 1 && other.length > 1 && own.at(-1) === other.at(-1)) {
    own.pop();
    other.pop();
  }
  const names = [own.join('/'), other.join('/')];
  const haveHosts = names.every((name) => /^[^/]*[.:]/.test(name));
  return haveHosts ? `registry_names: [[${names.join(', ')}]]` : undefined;
}

/** Of a parent that only this machine's registries.conf makes a layer of the tree. */
export function onlyOnThisMachine(parent: Reference, repository: string, layer: Layer): Problem {
  const remedy = sayOneRegistry(repository, parent.repository);
  return {
    severity: 'warning',
    code: 'registry-of-machine',
    message: `The parent \`${formatReference(parent)}\` is \`${layer.id}\` on this machine alone: its registries.conf reads \`${parent.repository}\` from \`${repository}\``,
    ...(remedy === undefined
      ? {}
      : { hint: `so that it is that layer everywhere, write into layers.yaml: \`${remedy}\`` }),
    related: [{ file: layer.file, message: `\`${layer.id}\`` }],
  };
}
