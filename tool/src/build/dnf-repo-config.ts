/** One section of a .repo file, as far as it says where the repository is. */
export interface DnfRepoConfig {
  readonly id: string;
  readonly isEnabled: boolean;
  /** What decides where it is: a metalink before a list of mirrors before the first base URL, as dnf has it. */
  readonly place: { readonly kind: 'metalink' | 'mirrorlist' | 'baseurl'; readonly url: string };
  readonly username?: string;
  readonly password?: string;
}

export type Variables = Readonly<Record<string, string>>;

/** The repositories of a .repo file, `[main]` left out. What is no setting is passed over, as dnf has refused it by then. Pure. */
export function parseRepoFile(text: string): DnfRepoConfig[] {
  const sections: { readonly id: string; readonly settings: Map<string, string> }[] = [];
  let last: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const [, id] = /^\[([^\]]+)\]/.exec(line) ?? [];
    const current = sections.at(-1)?.settings;
    if (id !== undefined) sections.push({ id: id.trim(), settings: new Map() });
    else if (/^\s*([#;]|$)/.test(line) || current === undefined) continue;
    else if (/^\s/.test(line) && last !== undefined) current.set(last, `${current.get(last)} ${line.trim()}`);
    else {
      const [, name, value] = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line) ?? [];
      last = name?.toLowerCase();
      if (last !== undefined) current.set(last, (value ?? '').trim());
    }
  }
  return sections.flatMap(({ id, settings }) => {
    const place = placeOf(settings);
    if (id === 'main' || place === undefined) return [];
    const isEnabled = !/^(0|no|false|off)$/i.test(settings.get('enabled') ?? '1');
    const [username, password] = [settings.get('username'), settings.get('password')];
    const login = username === undefined ? {} : { username, ...(password === undefined ? {} : { password }) };
    return [{ id, isEnabled, place, ...login }];
  });
}

function placeOf(settings: ReadonlyMap<string, string>): DnfRepoConfig['place'] | undefined {
  for (const kind of ['metalink', 'mirrorlist', 'baseurl'] as const) {
    const url = settings
      .get(kind)
      ?.split(/[\s,]+/)
      .find((word) => word !== '');
    // dnf takes a list of mirrors that is a metalink for one.
    if (url !== undefined) return { kind, url };
  }
  return undefined;
}

/** A URL of a .repo file instead of a repository. */
export function isRepoFile(url: string): boolean {
  return /^[a-z]+:\/\/[^?#]*\.repo([?#]|$)/i.test(url);
}

/** `$name` and `${name}` replaced; unknown ones stay. Pure. */
export function expanded(text: string, variables: Variables): string {
  return text.replaceAll(/\$(?:\{([A-Za-z0-9_]+)\}|([A-Za-z0-9_]+))/g, (whole, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? '';
    return Object.hasOwn(variables, name) ? (variables[name] as string) : whole;
  });
}

/** The architecture's names in Red Hat's family, by Node's and by OCI's. */
const BASE_ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'x86_64',
  amd64: 'x86_64',
  '386': 'i386',
  arm: 'armhfp',
  arm64: 'aarch64',
  ppc64: 'ppc64le',
  s390x: 's390x',
};

/**
 * What the variables of a repository may stand for. Without `releasever` dnf takes it from the release package, whose version is
 * that of os-release or its first number. Pure.
 */
export function possibleVariables(from: {
  readonly releasever?: string;
  readonly osVersion?: string;
  readonly architecture: string;
  /** Of /etc/dnf/vars. */
  readonly custom: Variables;
}): Variables[] {
  const basearch = BASE_ARCHITECTURES[from.architecture] ?? from.architecture;
  const osMajor = from.osVersion?.split('.')[0];
  const releases = from.releasever === undefined ? [osMajor, from.osVersion] : [from.releasever];
  return [...new Set(releases)].map((releasever) => {
    const [major, minor] = (releasever ?? '').split('.', 2);
    const release = {
      releasever: releasever ?? '',
      releasever_major: major ?? '',
      ...(minor === undefined ? {} : { releasever_minor: minor }),
    };
    return { basearch, arch: basearch, ...(releasever === undefined ? {} : release), ...from.custom };
  });
}
