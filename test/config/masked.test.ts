import { describe, expect, test } from 'vitest';
import { withoutSecrets } from '../../tool/src/config/masked.ts';
import { hasCredentials, maskInPlace, maskSecrets } from '../../tool/src/config/secrets.ts';
import { ANSIBLE, BASE, layerOf } from './reading.ts';

describe('a layer for showing', () => {
  test('has no secret of the list in faults.md', () => {
    const base = layerOf(`${BASE}  proxy: http://me:hunter2@proxy
  publish_registry: reg.example
  registry_opts_push: [--creds=me:hunter2, --quiet]
  registry_opts_pull: [--creds, 'me:hunter2']
  dnf_options: [password=hunter2]
repos:
  - {alias: a, url: 'https://me:hunter2@x/y', gpg: 'https://me:hunter2@x/key'}
  - {alias: b, config: "[b]\\npassword=hunter2"}
cmds: [echo hunter2]
`);
    const ansible = layerOf(`${ANSIBLE}  vars: {a: {b: [hunter2]}}\n`);
    expect(JSON.stringify([withoutSecrets(base), withoutSecrets(ansible)])).not.toContain('hunter2');
    expect(withoutSecrets(base)).toMatchObject({
      options: { registry_opts_push: ['--creds=***', '--quiet'] },
      repos: [{ alias: 'a', url: 'https://***@x/y' }, { config: '***' }],
    });
    expect(withoutSecrets(ansible)).toMatchObject({ options: { vars: { a: { b: ['***'] } } } });
  });

  test('leaves out what has no effect or is empty', () => {
    const shown = withoutSecrets(layerOf(BASE));
    expect(Object.keys(shown)).toEqual(['options']);
    expect(shown.options).not.toHaveProperty('playbooks');
  });
});

test.each([
  ['https://user:pass@host/x', 'https://***@host/x'],
  ['https://token@host/x', 'https://***@host/x'],
  ['https://host/x@y', 'https://host/x@y'],
  ['https://u:p@ss@host', 'https://***@host'],
  ['--creds=u:p --quiet', '--creds=*** --quiet'],
  ['--creds u:p', '--creds ***'],
])('%s', (text, masked) => {
  expect(maskSecrets(text)).toBe(masked);
  expect(maskInPlace(text)).toHaveLength(text.length);
});

test('what has a telling name is hidden in lines of files', () => {
  expect(maskInPlace('  db_password: hunter2')).toBe('  db_password: *******');
  expect(hasCredentials('https://host/')).toBe(false);
});
