import type { Layer } from '../config/layer.ts';

/** Packages whose version is the release; others (`epel-release`) have versions of their own. */
const RELEASE =
  /^(?:system|redhat|rocky|almalinux|alma|centos(?:-stream|-linux)?|fedora|oraclelinux)-release\s*(?:-|={1,2}|>=)\s*(\d+)/;
const VARIABLE = /\$\{?releasever/;

/** Whether a repository's text needs to know the release. Pure. */
export function usesRelease(text: string): boolean {
  return VARIABLE.test(text);
}

/** The release that a package of the layer says: `rocky-release-9.4` → `9`, as dnf takes it from that package. Pure. */
export function releaseOfPackages({ packages }: Layer): string | undefined {
  for (const spec of packages) {
    const [, release] = RELEASE.exec(spec.trim()) ?? [];
    if (release !== undefined) return release;
  }
  return undefined;
}

/** The release that a release package provides, from the lines of `dnf repoquery --provides`. Pure. */
export function releaseProvided(lines: readonly string[]): string | undefined {
  for (const name of ['system-release\\(releasever\\)', 'system-release']) {
    for (const line of lines) {
      const [, version] = new RegExp(`^${name} = (?:\\d+:)?([\\w.]+)`).exec(line.trim()) ?? [];
      if (version !== undefined) return name === 'system-release' ? version.split('.')[0] : version;
    }
  }
  return undefined;
}

/** dnf's name for what module streams are made for; undefined for a release that is neither Red Hat's nor Fedora's. Pure. */
export function platformOf(release: string): string | undefined {
  const major = Number(/^\d+/.exec(release)?.[0]);
  if (major >= 8 && major < 20) return `platform:el${major}`;
  return major >= 28 && major < 100 ? `platform:f${major}` : undefined;
}
