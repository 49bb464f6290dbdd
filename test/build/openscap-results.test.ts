import { expect, test } from 'vitest';
import {
  atLeast,
  failedRules,
  ovalFindings,
  ruleResults,
  summaryOf,
  withoutBuilder,
} from '../../tool/src/build/openscap-results.ts';

const rule = (id: string, severity: string, result: string, prefix = '') =>
  `<${prefix}rule-result role="full" idref="${id}" time="2026-01-01T00:00:00" severity="${severity}" weight="1">
  <${prefix}override/><${prefix}result>${result}</${prefix}result><${prefix}message>&lt;result&gt;pass</${prefix}message>
</${prefix}rule-result>`;

test('rules with their severities, whatever the prefix; those that were not selected are none', () => {
  const xml = rule('a', 'low', 'pass') + rule('b', 'high', 'fail', 'cdf-12:') + rule('c', 'high', 'notselected');
  expect(ruleResults(`<TestResult>${xml}</TestResult>`)).toEqual([
    { rule: 'a', severity: 'low', result: 'pass' },
    { rule: 'b', severity: 'high', result: 'fail' },
  ]);
});

test('what a severity refuses: an error of a check is no pass, what does not apply is no failure', () => {
  const severities = ['unknown', 'info', 'low', 'medium', 'high'];
  const all = ruleResults(severities.map((one) => rule(one, one, one === 'low' ? 'error' : 'fail')).join(''));
  const refused = (severity: string) => atLeast(severity, failedRules(all)).map((one) => one.rule);
  expect(refused('low')).toEqual(['low', 'medium', 'high']);
  expect(refused('medium')).toEqual(['medium', 'high']);
  expect(refused('high')).toEqual(['high']);
  const others = ['pass', 'notapplicable', 'notchecked', 'informational', 'fixed'];
  expect(failedRules(ruleResults(others.map((result) => rule(result, 'high', result)).join('')))).toEqual([]);
});

test('the summary counts what applies', () => {
  const results = [rule('a', 'high', 'fail'), rule('b', 'unknown', 'fail'), rule('c', 'low', 'pass')];
  expect(summaryOf(ruleResults([...results, rule('d', 'low', 'notapplicable')].join('')))).toBe(
    '2 of 3 rules failed (1 high, 1 unknown)',
  );
});

test('OVAL: vulnerabilities and missing patches that are there, and what could not be evaluated', () => {
  const define = (id: string, kind: string) =>
    `<def:definition id="${id}" version="1" class="${kind}"><metadata/></def:definition>`;
  const say = (id: string, result: string) => `<definition definition_id="${id}" result="${result}" version="1"/>`;
  const xml = [
    ...[
      define('v', 'vulnerability'),
      define('p', 'patch'),
      define('i', 'inventory'),
      define('n', 'patch'),
      define('e', 'patch'),
    ],
    ...[say('v', 'true'), say('p', 'true'), say('i', 'true'), say('n', 'false'), say('e', 'error')],
  ].join('\n');
  expect(ovalFindings(xml)).toEqual({ found: ['p', 'v'], failed: 1 });
});

test('addresses of the builder go, all else stays', () => {
  const facts = (...names: string[]) =>
    names.map((name) => `      <fact name="urn:xccdf:fact:${name}" type="string">x</fact>\n`).join('');
  const before = `<target>localhost</target>\n    <target-address>10.0.0.1</target-address>\n    <target-facts>\n`;
  const shown = facts('scanner:name', 'asset:identifier:host_name');
  const hidden = facts('ethernet:MAC', 'asset:identifier:ipv4', 'asset:identifier:fqdn');
  expect(withoutBuilder(`${before}${shown}${hidden}</target-facts>`)).toBe(
    `<target>localhost</target>\n    <target-facts>\n${shown}</target-facts>`,
  );
  expect(withoutBuilder('<o:a/><interfaces>\n<interface><ip_address>1</ip_address></interface></interfaces><b/>')).toBe(
    '<o:a/><interfaces/><b/>',
  );
});
