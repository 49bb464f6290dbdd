/** `scheme://user:password@` inside a text. */
const CREDENTIALS = /([a-z][a-z0-9+.-]*:\/\/)([^/\s'"@]+(?:@[^/\s'"@]+)*)@/gi;
const CREDS_OPTION = /(--(?:creds|password|username|token)(?:=|['"]?,?\s+['"]?))([^\s'",]+)/gi;

/** `password: …`, `api_key=…` in any spelling, as they stand under `vars` and in commands. */
const NAMED = /((?:passw(?:or)?d|passphrase|secret|token|api_?key|credentials?)[\w-]*['"]?\s*[:=]\s*)([^\s#].*)$/gi;

/** The text with passwords in URLs and `--creds=` as `***`. */
export function maskSecrets(text: string): string {
  return text.replace(CREDENTIALS, '$1***@').replace(CREDS_OPTION, '$1***');
}

/** As maskSecrets for a line of a file, and what has a telling name too; but every character of a secret becomes a `*`, so that columns stay where they are. */
export function maskInPlace(text: string): string {
  return text
    .replace(CREDENTIALS, (_, scheme: string, secret: string) => `${scheme}${'*'.repeat(secret.length)}@`)
    .replace(CREDS_OPTION, (_, option: string, secret: string) => `${option}${'*'.repeat(secret.length)}`)
    .replace(NAMED, (_, name: string, secret: string) => `${name}${'*'.repeat(secret.length)}`);
}

/** True for a URL that carries a user or password. */
export function hasCredentials(url: string): boolean {
  return new RegExp(CREDENTIALS.source, 'i').test(url);
}
