import { printable } from './check-destinations.ts';
import type { Diagnostic } from './diagnostic.ts';
import { isRegistry } from './image-name.ts';
import { find, type Located } from './located.ts';
import { problemAt } from './report.ts';

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

/** `HOST[:PORT][/PATH]`, without `docker://` and slashes at the end; host names know no case. */
export function plainRegistryName(name: string): string {
  const bare = name
    .trim()
    .replace(/^docker:\/\//, '')
    .replace(/\/+$/, '');
  const slash = bare.indexOf('/');
  return slash === -1 ? bare.toLowerCase() : bare.slice(0, slash).toLowerCase() + bare.slice(slash);
}
