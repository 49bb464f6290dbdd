import { printable } from './check-destinations.ts';
import type { Diagnostic } from './diagnostic.ts';
import { isRegistry } from './image-name.ts';
import { find, type Located } from './located.ts';
import { problemAt } from './report.ts';

const EXAMPLES = ['registry.example:5000', 'registry.mgmt.example:5000'];

/** `registry_names`: each a name of a registry, and each in one group only, or two registries would become one by accident. */
export function checkRegistryNames(groups: readonly (readonly string[])[], root: Located): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const seen = new Map<string, Located>();
  for (const [group, names] of groups.entries()) {
    for (const [index, name] of names.entries()) {
      const place = find(root, ['registry_names', group, index]) ?? root;
      const report = (code: string, message: string, more: Pick<Diagnostic, 'hint' | 'related'>) =>
        diagnostics.push(problemAt(place, { severity: 'error', code, message, ...more }));
      const plain = plainRegistryName(name);
      const first = seen.get(plain);
      if (!isRegistry(plain)) {
        const hint =
          'it looks like `registry.example:5000` or `registry.example/path`, path in lower case, without a tag';
        report('invalid-registry-name', `\`${printable(name)}\` is no name of a registry`, { hint });
      } else if (first !== undefined) {
        const message = `\`${printable(name)}\` is in \`registry_names\` twice`;
        const { file, range } = problemAt(first, { severity: 'error', code: '', message: '' });
        report('duplicate-registry-name', message, {
          hint: 'put all names of one registry into one group',
          related: [{ file, ...(range && { range }), message: 'the first time' }],
        });
      } else seen.set(plain, place);
    }
  }
  return diagnostics;
}

/** What `registry_names` wants where the schema says that it is something else: most write one list where there may be several. */
export function withGroupsHint(diagnostic: Diagnostic, root: Located): Diagnostic {
  if (!diagnostic.message.startsWith('`registry_names')) return diagnostic;
  const written = find(root, ['registry_names']);
  // Groups are there: only what they look like is to be told.
  const given =
    written?.kind === 'list' && written.items.length > 1 && written.items.some(({ kind }) => kind !== 'scalar')
      ? []
      : textsIn(written);
  const names = [...given, ...EXAMPLES].slice(0, Math.max(2, given.length));
  const hint = `a group is a list of all names of one registry: \`registry_names: [[${names.join(', ')}]]\``;
  return { ...diagnostic, hint };
}

function textsIn(place: Located | undefined): string[] {
  if (place?.kind === 'scalar') return typeof place.value === 'string' ? [printable(place.value)] : [];
  return place?.kind === 'list' ? place.items.flatMap(textsIn) : [];
}

/** `HOST[:PORT][/PATH]`, without `docker://` and slashes at the end; host names know no case. */
export function plainRegistryName(name: string): string {
  const bare = name
    .trim()
    .replace(/^docker:\/\//, '')
    .replace(/\/+$/, '');
  const slash = bare.indexOf('/');
  return slash === -1 ? bare.toLowerCase() : bare.slice(0, slash).toLowerCase() + bare.slice(slash);
}
