import type { Layer } from '../config/layer.ts';

const VARIABLES = ['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy'];

/**
 * The proxy variables for what is run during the build: `proxy` of the layer file, else those of the user's shell. They are
 * handed over in the environment or in a private file, never in argv, and nothing of them stays in the image.
 */
export function proxyVariables(
  { options }: Layer,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Readonly<Record<string, string>> {
  const found = VARIABLES.flatMap((name) => {
    const value = env[name] ?? env[name.toUpperCase()];
    return value === undefined || value === '' ? [] : [[name, value] as const];
  });
  const own =
    options.proxy === '' ? [] : (['http_proxy', 'https_proxy'] as const).map((name) => [name, options.proxy] as const);
  return Object.fromEntries([...found, ...own]);
}

/** A shell script that exports variables; values are taken literally. */
export function exportScript(variables: Readonly<Record<string, string>>): string {
  const quote = (value: string) => `'${value.replaceAll("'", `'\\''`)}'`;
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quote(value)}\n`)
    .join('');
}
