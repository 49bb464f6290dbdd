/** What distributions and `uname -m` call the architectures that images may be built for, by OCI's names (those of Go). */
const NAMES = {
  amd64: { debian: 'amd64', rpm: 'x86_64', also: ['x86-64'] },
  '386': { debian: 'i386', rpm: 'i686', also: ['i486', 'i586'] },
  arm64: { debian: 'arm64', rpm: 'aarch64', also: [] },
  arm: { debian: 'armhf', rpm: 'armv7hl', also: ['armv7l', 'armv7'] },
  ppc64le: { debian: 'ppc64el', rpm: 'ppc64le', also: [] },
  riscv64: { debian: 'riscv64', rpm: 'riscv64', also: [] },
  s390x: { debian: 's390x', rpm: 's390x', also: [] },
} as const satisfies Record<
  string,
  { readonly debian: string; readonly rpm: string; readonly also: readonly string[] }
>;

/** An architecture by its OCI name. */
export type Architecture = keyof typeof NAMES;

const BY_NAME: ReadonlyMap<string, Architecture> = new Map(
  Object.entries(NAMES).flatMap(([name, { debian, rpm, also }]) =>
    [name, debian, rpm, ...also].map((one) => [one, name as Architecture] as const),
  ),
);

/** The architecture that any of its names means; undefined for a word that names none. */
export function architectureOf(word: string): Architecture | undefined {
  return BY_NAME.get(word.toLowerCase());
}

/** Words that people use and container tools do not know: `x86` is 32 bits to some and 64 to others. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ['x86', '`amd64` (x86_64) or `386` (i386)'],
  ['x64', '`amd64` (x86_64)'],
]);

/** What may be meant by a word that is no name of an architecture, in backticks. */
export function meantArchitecture(word: string): string | undefined {
  return MEANT.get(word.toLowerCase());
}

/** Every name that `architectureOf` knows. */
export function architectureNames(): Iterable<string> {
  return BY_NAME.keys();
}

/** Every name of an architecture. */
export function namesOfArchitecture(architecture: Architecture): string[] {
  return [...BY_NAME].flatMap(([name, one]) => (one === architecture ? [name] : []));
}

/** Whether a layer is one of several of its file. */
export function isOneOfSeveral(layer: { readonly options: { readonly architectures: readonly string[] } }): boolean {
  return layer.options.architectures.length > 1;
}

/** As dpkg has it. */
export function debianName(architecture: Architecture): string {
  return NAMES[architecture].debian;
}

/** As rpm, dnf and the kernel have it. */
export function rpmName(architecture: Architecture): string {
  return NAMES[architecture].rpm;
}
