import type { Zypper } from './zypper.ts';
import { elements, groupCapability } from './zypper-output.ts';

/**
 * What to install for groups. SUSE's are patterns: packages that provide `pattern() = ID`, which is asked for as every zypper
 * knows it, while `--type pattern` needs a library that was built to know patterns (Debian's is not). A name with a space is the
 * name that is shown, the summary of such a package.
 */
export async function groupSpecs(groups: readonly string[], zypper: Zypper): Promise<string[]> {
  const names = groups.some(isShown) ? await shownNames(zypper) : new Map<string, string>();
  // One that is unknown is for zypper to refuse.
  return groups.map((group) => names.get(group.toLowerCase()) ?? groupCapability(group));
}

function isShown(group: string): boolean {
  return /\s/.test(group.trim());
}

/** Summary in lower case → the pattern's package. */
async function shownNames(zypper: Zypper): Promise<Map<string, string>> {
  const lines: string[] = [];
  const search = ['--xmlout', 'search', '--type', 'package', '--provides', '--match-exact'];
  // Exit code 104: there is no pattern.
  await zypper.run(search, ['pattern()'], { accept: [0, 104], onLine: (line) => void lines.push(line) });
  const found = elements(lines.join('\n'), 'solvable');
  return new Map(
    found.flatMap(({ name, summary }) => (name === undefined || !summary ? [] : [[summary.toLowerCase(), name]])),
  );
}
