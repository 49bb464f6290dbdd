/** Of the severities that XCCDF knows, those that `scap_fail_on` takes, the least first. `unknown` and `info` are below all. */
const SEVERITIES = ['low', 'medium', 'high'];

/** How a rule of a benchmark came out. `result`: `pass`, `fail`, `error`, `notapplicable`, … */
export interface RuleResult {
  readonly rule: string;
  readonly severity: string;
  readonly result: string;
}

/**
 * The rules of an XCCDF result file as oscap writes it (XCCDF 1.1 and 1.2, with or without a prefix). The schema has the
 * result first, perhaps after overrides; rules that were not selected are left out.
 */
export function ruleResults(xml: string): RuleResult[] {
  const found: RuleResult[] = [];
  for (const [, attributes = '', inside = ''] of xml.matchAll(
    /<(?:[\w.-]+:)?rule-result\s([^>]*)>([\s\S]*?)<\/(?:[\w.-]+:)?rule-result>/g,
  )) {
    const result = /<(?:[\w.-]+:)?result>\s*(\w+)\s*</.exec(inside)?.[1] ?? 'unknown';
    if (result === 'notselected') continue;
    found.push({ rule: attribute(attributes, 'idref'), severity: attribute(attributes, 'severity'), result });
  }
  return found;
}

/** Rules that did not pass, where they should have: an error of its check is no pass. */
export function failedRules(results: readonly RuleResult[]): RuleResult[] {
  return results.filter(({ result }) => result === 'fail' || result === 'error');
}

/** Those of `severity` or above. */
export function atLeast(severity: string, results: readonly RuleResult[]): RuleResult[] {
  return results.filter((one) => SEVERITIES.indexOf(one.severity) >= SEVERITIES.indexOf(severity));
}

/** `3 of 20 rules failed (1 high, 2 low)`. */
export function summaryOf(results: readonly RuleResult[]): string {
  const failed = failedRules(results);
  const applicable = results.filter(({ result }) => result !== 'notapplicable');
  const counts = [...SEVERITIES.toReversed(), 'info', 'unknown'].flatMap((severity) => {
    const count = failed.filter((one) => one.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}`];
  });
  const how = counts.length === 0 ? '' : ` (${counts.join(', ')})`;
  return `${failed.length} of ${applicable.length} rules failed${how}`;
}

/**
 * Ids of vulnerabilities and missing patches that an OVAL result file found, and whether any definition could not be
 * evaluated. Definitions of other classes say what is there, not what is wrong.
 */
export function ovalFindings(xml: string): { readonly found: readonly string[]; readonly failed: number } {
  const classes = new Map<string, string>();
  for (const [, attributes = ''] of xml.matchAll(/<(?:[\w.-]+:)?definition\s([^>]*\bclass=[^>]*)>/g)) {
    classes.set(attribute(attributes, 'id'), attribute(attributes, 'class'));
  }
  const found: string[] = [];
  let failed = 0;
  for (const [, attributes = ''] of xml.matchAll(/<(?:[\w.-]+:)?definition\s([^>]*\bresult=[^>]*)>/g)) {
    const id = attribute(attributes, 'definition_id');
    const result = attribute(attributes, 'result');
    if (result === 'error') failed += 1;
    if (result === 'true' && /^(vulnerability|patch)$/.test(classes.get(id) ?? '')) found.push(id);
  }
  return { found: found.toSorted(), failed };
}

/** A result file without the addresses of the machine that evaluated. */
export function withoutBuilder(xml: string): string {
  return xml
    .replaceAll(/[ \t]*<(?:[\w.-]+:)?target-address>[^<]*<\/(?:[\w.-]+:)?target-address>\n?/g, '')
    .replaceAll(
      /[ \t]*<((?:[\w.-]+:)?fact) name="urn:xccdf:fact:(?:ethernet:MAC|asset:identifier:(?:mac|ipv4|ipv6|fqdn))"[^>]*>[^<]*<\/\1>\n?/g,
      '',
    )
    .replaceAll(/<((?:[\w.-]+:)?interfaces)>[\s\S]*?<\/\1>/g, '<$1/>');
}

function attribute(attributes: string, name: string): string {
  return new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(attributes)?.[1] ?? '';
}
