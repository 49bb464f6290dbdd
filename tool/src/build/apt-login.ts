import { writeFile } from 'node:fs/promises';
import { BuildFailure } from './builder.ts';

/** Text of a file of sources without what logs in. */
export interface BareSources {
  readonly text: string;
  /** Lines of an auth.conf (apt_auth.conf(5)). */
  readonly auth: readonly string[];
  /** Passwords, as they may show in what apt prints. */
  readonly secrets: readonly string[];
}

const LOGIN = /(https?:\/\/)([^\s/?#@]*(?:@[^\s/?#@]*)*)@([^\s\]]+)/gi;

/** Takes `user:password@` out of the URLs of sources. Pure. Throws BuildFailure for a login that an auth.conf cannot hold. */
export function withoutLogins(text: string, alias: string): BareSources {
  const auth = new Set<string>();
  const secrets = new Set<string>();
  const bare = text.replace(LOGIN, (_, scheme: string, login: string, place: string) => {
    const [user = '', ...rest] = login.split(':');
    const password = rest.join(':');
    const words = [user, password].map((word) => decoded(word, alias));
    for (const word of rest.length > 0 ? [password, words[1] ?? ''] : [user]) if (word !== '') secrets.add(word);
    // With the scheme, as apt would log in by https alone.
    auth.add(`machine ${scheme}${place.replace(/\/+$/, '')} login ${words[0]} password ${words[1]}\n`);
    return scheme + place;
  });
  return { text: bare, auth: [...auth], secrets: [...secrets] };
}

function decoded(word: string, alias: string): string {
  let text: string | undefined;
  try {
    text = decodeURIComponent(word);
  } catch {
    // Said below.
  }
  if (text !== undefined && !/[\s\p{Cc}]/u.test(text)) return text;
  throw new BuildFailure(`repository ${alias}: apt cannot log in with the name or password in its URL`, {
    hint: 'they are percent-encoded there, and hold no white space',
  });
}

/** Writes an auth.conf for the sources that need one, readable for root only; gives its path. `more`: lines that stay valid. */
export async function writeAuth(
  sources: readonly Pick<BareSources, 'auth'>[],
  file: string,
  more = '',
): Promise<string | undefined> {
  const lines = sources.flatMap(({ auth }) => auth);
  if (lines.length === 0) return undefined;
  await writeFile(file, `${lines.join('')}${more}`, { mode: 0o600 });
  return file;
}
