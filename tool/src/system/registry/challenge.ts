/** What a registry wants to see before it answers (WWW-Authenticate). */
export type Challenge =
  | { readonly scheme: 'basic' }
  | { readonly scheme: 'bearer'; readonly realm: string; readonly service?: string; readonly scope?: string };

/**
 * Reads WWW-Authenticate: several schemes may stand in one header or in several (Node joins them by commas). Bearer is taken before
 * Basic; undefined when neither is there.
 */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  let isBasic = false;
  for (const { scheme, parameters } of challengesOf(header ?? '')) {
    if (scheme === 'basic') isBasic = true;
    if (scheme !== 'bearer' || parameters.realm === undefined) continue;
    const { realm, service, scope } = parameters;
    return {
      scheme,
      realm,
      ...(service === undefined ? {} : { service }),
      ...(scope === undefined ? {} : { scope }),
    };
  }
  return isBasic ? { scheme: 'basic' } : undefined;
}

const TOKEN = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)/y;
const PARAMETER = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*/y;

function* challengesOf(header: string): Generator<{ scheme: string; parameters: Record<string, string> }> {
  let at = 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  const skip = () => take(/[\s,]+/y);
  skip();
  for (let scheme = take(TOKEN); scheme !== null; scheme = take(TOKEN)) {
    const parameters: Record<string, string> = {};
    skip();
    for (let match = take(PARAMETER); match !== null; match = take(PARAMETER)) {
      const [, name = '', quoted, plain] = match;
      parameters[name.toLowerCase()] = quoted === undefined ? (plain ?? '') : quoted.replaceAll(/\\(.)/g, '$1');
      skip();
    }
    yield { scheme: (scheme[1] ?? '').toLowerCase(), parameters };
  }
}
