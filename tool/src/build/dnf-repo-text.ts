import { BuildFailure } from './builder.ts';

/** What the layer says about a repository beside the text of its file. */
export interface RepoFacts {
  readonly alias: string;
  /** `gpgkey` for sections that have none. */
  readonly key?: string;
  readonly priority?: number;
  readonly gpgcheck: boolean | 'strict';
}

/** The text of a repository file as the image gets it. */
export interface RepoText {
  readonly text: string;
  /** Repositories whose packages nothing checks. */
  readonly unchecked: readonly string[];
  /** Passwords in it. */
  readonly secrets: readonly string[];
}

/** A setting with the lines that continue it. */
interface Setting {
  readonly name: string;
  readonly value: string;
}
interface Section {
  readonly id: string;
  readonly settings: Setting[];
}

const URLS: ReadonlySet<string> = new Set(['baseurl', 'metalink', 'mirrorlist', 'gpgkey']);
const LOGIN = /([a-z][a-z0-9+.-]*:\/\/)([^/\s?#]*)@/gi;

/**
 * Checks the text of a .repo file and says in it what the layer says: signatures are checked where there is a key; what logs in
 * moves from URLs, which dnf prints, to settings of their own. Comments go. Pure. Throws BuildFailure for a text that names no
 * repository.
 */
export function repoText(text: string, facts: RepoFacts): RepoText {
  const sections = sectionsOf(text).filter(({ id }) => id !== 'main');
  const isPlace = ({ name, value }: Setting) => URLS.has(name) && name !== 'gpgkey' && value !== '';
  if (sections.length === 0 || !sections.every(({ settings }) => settings.some(isPlace))) {
    throw new BuildFailure(`repository ${facts.alias}: its file names no place of a repository`, {
      hint: 'a section looks like `[id]`, with `baseurl`, `metalink` or `mirrorlist` under it',
    });
  }
  const unchecked: string[] = [];
  const secrets: string[] = [];
  const texts = sections.map((section) => {
    const { checked, isChecked } = withCheck(withLogin(section, facts, secrets), facts);
    if (!isChecked) unchecked.push(section.id);
    const lines = withPriority(checked, facts).map(({ name, value }) => `${name}=${value}\n`);
    return `[${section.id}]\n${lines.join('')}`;
  });
  return { text: texts.join('\n'), unchecked, secrets };
}

/** The same for dnf on this machine, which looks for keys here: those of the image lie below its root. Pure. */
export function keysBelow(text: string, root: string): string {
  let isKey = false;
  const lines = text.split('\n').map((line) => {
    if (!/^\s/.test(line)) isKey = /^gpgkey\s*[=:]/i.test(line);
    return isKey ? line.replaceAll('file:///', `file://${root}/`) : line;
  });
  return lines.join('\n');
}

function sectionsOf(text: string): Section[] {
  const sections: Section[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [, id] = /^\[([^\]]+)\]/.exec(line) ?? [];
    const settings = sections.at(-1)?.settings;
    const last = settings?.at(-1);
    if (id !== undefined) sections.push({ id: id.trim(), settings: [] });
    else if (settings === undefined || /^\s*([#;]|$)/.test(line)) continue;
    else if (/^\s/.test(line) && last !== undefined)
      settings.splice(-1, 1, { name: last.name, value: `${last.value}\n  ${line.trim()}` });
    else {
      const [, name, value] = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line) ?? [];
      if (name !== undefined) settings.push({ name: name.toLowerCase(), value: (value ?? '').trimEnd() });
    }
  }
  return sections;
}

function withLogin({ id, settings }: Section, { alias }: RepoFacts, secrets: string[]): Setting[] {
  const logins = new Set<string>();
  const bare = settings.map(({ name, value }) => {
    if (!URLS.has(name)) return { name, value };
    const kept = value.replace(LOGIN, (_, scheme: string, login: string) => {
      logins.add(login);
      return scheme;
    });
    return { name, value: kept };
  });
  const own = bare.find(({ name }) => name === 'password')?.value;
  if (own !== undefined) secrets.push(own);
  const [login] = logins;
  if (login === undefined) return bare;
  if (logins.size > 1) throw new BuildFailure(`repository ${alias}: the URLs of [${id}] log in by different names`);
  const [user = '', ...rest] = login.split(':');
  const password = decoded(rest.join(':'), alias);
  // A user without a password is a token.
  secrets.push(...(rest.length > 0 ? [password, rest.join(':')] : [user]).filter((word) => word !== ''));
  const added = [
    { name: 'username', value: decoded(user, alias) },
    ...(rest.length === 0 ? [] : [{ name: 'password', value: password }]),
  ];
  return [...bare.filter(({ name }) => !added.some((one) => one.name === name)), ...added];
}

function decoded(word: string, alias: string): string {
  try {
    const text = decodeURIComponent(word);
    if (!/[\r\n]/.test(text)) return text;
  } catch {
    // Said below.
  }
  throw new BuildFailure(`repository ${alias}: the login in its URL is not percent-encoded as it should be`);
}

function withPriority(settings: Setting[], { priority }: RepoFacts): Setting[] {
  return priority === undefined ? settings : replaced(settings, 'priority', String(priority));
}

function withCheck(
  settings: Setting[],
  { key, gpgcheck }: RepoFacts,
): { readonly checked: Setting[]; readonly isChecked: boolean } {
  const hasOwn = settings.some(({ name, value }) => name === 'gpgkey' && value !== '');
  const given = settings.find(({ name }) => name === 'gpgcheck')?.value;
  if (gpgcheck === false) {
    const checked = hasOwn || key === undefined ? settings : replaced(settings, 'gpgkey', key);
    return { checked: [...checked], isChecked: true };
  }
  if (!hasOwn && key !== undefined) {
    return { checked: replaced(replaced(settings, 'gpgcheck', '1'), 'gpgkey', key), isChecked: true };
  }
  if (!hasOwn) return { checked: replaced(settings, 'gpgcheck', '0'), isChecked: false };
  const isOff = given !== undefined && /^(0|no|false|off)$/i.test(given) && key === undefined;
  return { checked: isOff ? settings : replaced(settings, 'gpgcheck', '1'), isChecked: !isOff };
}

function replaced(settings: readonly Setting[], name: string, value: string): Setting[] {
  return [...settings.filter((one) => one.name !== name), { name, value }];
}
