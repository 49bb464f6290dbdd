/** What zypper said that an exit code does not. */
export interface Heard {
  /** Names that nothing has, or is. */
  readonly absent: string[];
  /** `%post(name-1.0-1.noarch) scriptlet failed, exit status 1`. */
  readonly scriptlets: string[];
  /** Repositories that could not be read. */
  readonly skipped: string[];
  /** `name-1.0-1.noarch (repository)`, whose signature no key of the image's rpm makes. */
  readonly unsigned: string[];
}

export function listenToZypper(): Heard {
  return { absent: [], scriptlets: [], skipped: [], unsigned: [] };
}

/** Takes zypper's lines as they come, in the C locale. */
export function hear(heard: Heard): (line: string) => void {
  return (line) => {
    const [, absent] = /^No provider of '(.+)' found\.$/.exec(line.trim()) ?? [];
    if (absent !== undefined) heard.absent.push(groupOf(absent));
    const [scriptlet] = /%\w+\(\S+\) scriptlet failed, (exit status|signal) \d+/.exec(line) ?? [];
    if (scriptlet !== undefined) heard.scriptlets.push(scriptlet);
    const [, skipped] = /^Skipping repository '(.+)' because of the above error\.$/.exec(line.trim()) ?? [];
    if (skipped !== undefined) heard.skipped.push(skipped);
    const [, unsigned] = /^(\S+ \(.+\)): Signature verification failed/.exec(line.trim()) ?? [];
    if (unsigned !== undefined && !heard.unsigned.includes(unsigned)) heard.unsigned.push(unsigned);
  };
}

/** A group is asked for by what its package provides. */
export function groupCapability(id: string): string {
  return `pattern() = ${id}`;
}

function groupOf(capability: string): string {
  return /^pattern\(\) = (.+)$/.exec(capability)?.[1] ?? capability;
}

/** `zypper --xmlout list-updates`, a package an `<update>`. Pure. */
export function parseUpdates(xml: string): { readonly name: string; readonly from: string; readonly to: string }[] {
  return elements(xml, 'update').flatMap(({ kind, name, arch, edition, 'edition-old': old }) =>
    kind !== 'package' || name === undefined || edition === undefined
      ? []
      : [{ name: arch === undefined ? name : `${name}.${arch}`, from: old ?? '', to: edition }],
  );
}

/** Attributes of every element of that name. zypper writes them on one line each. Pure. */
export function elements(xml: string, name: string): Readonly<Record<string, string | undefined>>[] {
  return [...xml.matchAll(new RegExp(`<${name}(\\s[^>]*)>`, 'g'))].map(([, attributes = '']) =>
    Object.fromEntries(
      [...attributes.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, plain(value)]),
    ),
  );
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", '#39': "'" };

function plain(text: string): string {
  return text.replaceAll(/&(#?\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
