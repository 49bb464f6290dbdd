// Texts of .repo files, line by line, as `dnf-repo-text.ts` leaves them: `name=value`, continued lines indented.

interface Section {
  readonly head: string;
  readonly settings: ReadonlyMap<string, string>;
}

/**
 * dnf's text in zypper's terms. Logins go into the URL, as zypper knows no settings for them (it masks them when it prints).
 * Metadata is looked at whenever it is used, since none stays in the image. Packages are checked against the key although
 * many repositories do not sign their metadata, about which zypper would ask; a text that was given whole (`isWhole`) keeps what it
 * says about that. Pure.
 */
export function forImage(text: string, isWhole: boolean): string {
  return mapped(text, (settings) => {
    const { username, password, ...plain } = Object.fromEntries(settings);
    const login = username === undefined ? '' : loginOf(username, password);
    const bare = Object.entries(plain).map(([name, value]) => [name, isPlace(name) ? withLogin(value, login) : value]);
    const own = Object.fromEntries(bare) as Record<string, string>;
    const isChecked = !isOff(own.gpgcheck);
    const checks: Record<string, string> = isChecked && !isWhole ? { repo_gpgcheck: '0', pkg_gpgcheck: '1' } : {};
    return { ...own, autorefresh: own.autorefresh ?? '1', ...(isChecked ? checks : NOTHING_CHECKED) };
  });
}

const NOTHING_CHECKED = { gpgcheck: '0', repo_gpgcheck: '0', pkg_gpgcheck: '0' };

/**
 * The same for one build: packages stay in our cache. `gpgcheck` of the layer also counts for repositories that it inherits.
 * `root`: for a zypper outside of the image, which would look for the image's key files on its own machine. Pure.
 */
export function forBuild(text: string, gpgcheck: boolean | 'strict', root?: string): string {
  return mapped(text, (settings) => {
    const key = settings.get('gpgkey');
    return {
      ...Object.fromEntries(settings),
      ...(key === undefined || root === undefined ? {} : { gpgkey: key.replaceAll('file:///', `file://${root}/`) }),
      keeppackages: '1',
      ...(gpgcheck === false ? NOTHING_CHECKED : {}),
      ...(gpgcheck === 'strict' ? { gpgcheck: '1', pkg_gpgcheck: '1' } : {}),
    };
  });
}

/** `gpgkey` of sections that are checked. Pure. */
export function keyUrls(text: string): string[] {
  const urls = sectionsOf(text).flatMap(({ settings }) =>
    isOff(settings.get('gpgcheck')) ? [] : (settings.get('gpgkey') ?? '').split(/[\s,]+/),
  );
  return [...new Set(urls)].filter((url) => url !== '' && !url.includes('$'));
}

function isOff(value: string | undefined): boolean {
  return value !== undefined && /^(0|no|false|off)$/i.test(value);
}

function isPlace(name: string): boolean {
  return name === 'baseurl' || name === 'mirrorlist' || name === 'metalink';
}

function loginOf(username: string, password: string | undefined): string {
  const words = password === undefined ? [username] : [username, password];
  return `${words.map(encodeURIComponent).join(':')}@`;
}

function withLogin(urls: string, login: string): string {
  return urls.replaceAll(/(https?|ftp):\/\/(?![^/?#\s]*@)/gi, (scheme) => `${scheme}${login}`);
}

function mapped(text: string, change: (settings: ReadonlyMap<string, string>) => Record<string, string>): string {
  return sectionsOf(text)
    .map(({ head, settings }) => {
      const lines = Object.entries(change(settings)).map(([name, value]) => `${name}=${value}\n`);
      return `${head}\n${lines.join('')}`;
    })
    .join('\n');
}

function sectionsOf(text: string): Section[] {
  const sections: { head: string; settings: Map<string, string> }[] = [];
  let last: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const [head] = /^\[[^\]]+\]/.exec(line) ?? [];
    const settings = sections.at(-1)?.settings;
    if (head !== undefined) sections.push({ head, settings: new Map() });
    else if (settings === undefined || /^\s*([#;]|$)/.test(line)) continue;
    else if (/^\s/.test(line) && last !== undefined) settings.set(last, `${settings.get(last)}\n  ${line.trim()}`);
    else {
      const [, name, value] = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line) ?? [];
      last = name?.toLowerCase();
      if (last !== undefined) settings.set(last, (value ?? '').trimEnd());
    }
  }
  return sections;
}
