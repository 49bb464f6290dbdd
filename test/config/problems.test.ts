import { describe, expect, test } from 'vitest';
import { ANSIBLE, BASE, messages, problems } from './reading.ts';

/** Each code of a layer file, with what brings it about and where it points. */
const CASES: readonly [code: string, text: string, where: string][] = [
  ['empty-file', '# nothing\n', '1:1'],
  ['not-a-map', '- options\n', '1:1'],
  ['missing-options', 'packages: [a]\n', '1:1'],
  ['missing-options', 'options:\npackages: [a]\n', '1:1'],
  ['yaml-syntax', 'options: {layer_type: base\n', '2:1'],
  ['yaml-syntax', 'options: *nowhere\n', '1:10'],
  ['yaml-syntax', 'options: !vault x\n', '1:10'],
  ['unknown-key', `${BASE}  colour: red\n`, '6:3'],
  ['unknown-key', `${BASE}modules: {enabel: x}\n`, '6:11'],
  ['misplaced-key', `${BASE}pkg_manager: dnf\n`, '6:1'],
  ['duplicate-key', `${BASE}  publish-local: true\n`, '6:3'],
  ['duplicate-key', `${BASE}packages: [a]\npackages: [b]\n`, '7:1'],
  ['missing-key', `${BASE}repos: [{url: http://x}]\n`, '6:9'],
  ['missing-key', `${BASE}repos: [{alias: x}]\n`, '6:9'],
  ['missing-key', 'options: {name: x}\n', '1:1'],
  ['wrong-type', `${BASE}packages: {a: b}\n`, '6:11'],
  ['wrong-type', `${BASE}packages: [[a]]\n`, '6:12'],
  ['wrong-type', `${BASE}  manual: 'true'\n`, '6:11'],
  ['invalid-value', `${BASE}  gpgcheck: true\n  ansible_verbosity: 7\n`, '7:22'],
  ['invalid-value', 'options: {layer_type: bsae}\n', '1:23'],
  ['invalid-value', `${BASE}package_groups: ['']\n`, '6:18'],
  ['invalid-value', `${BASE.replace('apt', 'dnf')}  dnf_options: [best=False, installroot=/]\n`, '6:29'],
  ['unquoted-number', `${BASE}  publish_tags: [ok, 9]\n`, '6:22'],
  ['unquoted-number', `${BASE}packages: [a, 7.0]\n`, '6:15'],
  ['unquoted-number', BASE.replace('name: base', 'name: 12'), '3:9'],
  ['unquoted-boolean', `${BASE}packages: [yes]\n`, '6:12'],
  ['empty-key', `${BASE}packages:\n`, '6:1'],
  ['invalid-value', `${BASE}image_config: {env: {A: 1, B-C: x}}\n`, '6:28'],
  ['invalid-value', `${BASE}image_config: {user: 'a b'}\n`, '6:22'],
  ['invalid-value', `${BASE}image_config: {workdir: home}\n`, '6:25'],
  ['invalid-value', `${BASE}image_config: {volumes: [/a, /b/../c]}\n`, '6:30'],
  ['wrong-type', `${BASE}image_config: {entrypoint: /bin/sh -c}\n`, '6:28'],
  ['missing-pkg-manager', 'options: {layer_type: base, publish_local: true}\n', '1:23'],
  ['missing-playbooks', ANSIBLE.replace('  playbooks: site.yaml\n', ''), '2:15'],
  ['missing-parent', ANSIBLE.replace('  parent: base\n', ''), '2:15'],
  ['no-effect', `${ANSIBLE}packages: [a]\n`, '7:1'],
  ['no-effect', `${ANSIBLE}cmds: [a]\n`, '7:1'],
  ['no-effect', `${BASE}  playbooks: x\n`, '6:3'],
  ['no-destination', 'options: {layer_type: base, pkg_manager: apt}\n', '1:1'],
  ['invalid-name', BASE.replace('name: base', 'name: Base'), '3:9'],
  ['invalid-tag', `${BASE}  publish_tags: [ok, 'a b']\n`, '6:22'],
  ['invalid-tag', `${BASE}  publish_tags: []\n`, '6:17'],
  ['invalid-tag', `${BASE}  publish_tags: layers-0123456789abcdef0123456789abcdef\n`, '6:17'],
  ['invalid-parent', `${BASE}  parent: https://registry/x\n`, '6:11'],
  ['invalid-parent', `${BASE}  parent: -x\n`, '6:11'],
  ['invalid-parent', `${BASE}  parent: 'a b'\n`, '6:11'],
  ['invalid-parent', `${BASE}  parent: a@sha256:12\n`, '6:11'],
  ['invalid-parent', `${BASE}  parent: ftp://x/y\n`, '6:11'],
  ['invalid-tools-image', `${BASE}  tools_image: 'a b'\n`, '6:16'],
  ['invalid-tools-image', `${BASE}  tools_image: scratch\n`, '6:16'],
  ['no-effect', `${BASE}  tools_image: rocky:8\n`, '6:3'],
  ['invalid-mount', `${BASE}  mounts: [/a:/b, /a]\n`, '6:19'],
  ['invalid-mount', `${BASE}  mounts: '/a:b'\n`, '6:11'],
  ['invalid-mount', `${BASE}  mounts: /a:/b:Z\n`, '6:11'],
  ['invalid-mount', `${BASE}  mounts: [/a:/b, /c:/b/]\n`, '6:19'],
  ['invalid-mount', `${BASE}  mounts: /a:/b/../c\n`, '6:11'],
  ['invalid-mount', `${BASE}  mounts: /a:/\n`, '6:11'],
  ['invalid-mount', `${BASE}  mounts: /a:/proc/x\n`, '6:11'],
  ['invalid-mount', `${BASE}  mounts: -a:/b\n`, '6:11'],
  ['mounts-unseen', `${ANSIBLE}  connection: containers.podman.buildah\n  mounts: [/a:/b]\n`, '7:15'],
  ['invalid-registry', `${BASE}  publish_registry: https://reg.example\n`, '6:21'],
  ['invalid-registry', `${BASE}  publish_registry: reg.example/Upper\n`, '6:21'],
  ['invalid-registry', `${BASE}  publish_registry: 'oci:'\n`, '6:21'],
  ['invalid-registry', `${BASE}  publish_registry: 'oci: out'\n`, '6:21'],
  ['invalid-registry', `${BASE}  publish_registry: 'oci:out '\n`, '6:21'],
  ['invalid-registry', `${BASE}  publish_registry: "oci:a\\tb"\n`, '6:21'],
  ['invalid-registry', `${BASE}  publish_registry: 'reg.example/a b'\n`, '6:21'],
  ['invalid-endpoint', `${BASE}  publish_s3: 'file: out'\n`, '6:15'],
  ['invalid-endpoint', `${BASE}  publish_s3: s3.example\n`, '6:15'],
  ['invalid-bucket', `${BASE}  publish_s3: http://s3\n  s3_bucket: a/b\n`, '7:14'],
  ['invalid-prefix', `${BASE}  publish_s3: http://s3\n  s3_prefix: a/../b\n`, '7:14'],
  ['invalid-label', `${BASE}  labels: {a b: c}\n`, '6:12'],
  ['credentials-in-url', `${BASE}  proxy: http://me:secret@proxy:3128\n`, '6:10'],
  ['credentials-in-url', `${BASE}repos: [{alias: a, url: 'https://me:secret@x/y'}]\n`, '6:25'],
  ['invalid-alias', `${BASE}repos: [{alias: ../../etc/passwd, url: http://x}]\n`, '6:17'],
  ['invalid-alias', `${BASE}repos: [{alias: -x, url: http://x}]\n`, '6:17'],
  ['duplicate-alias', `${BASE}repos: [{alias: a, url: http://x}, {alias: A, url: http://y}]\n`, '6:44'],
  ['unsigned-repository', `${BASE.replace('apt', 'dnf')}repos: [{alias: a, url: http://x}]\n`, '6:1'],
  ['invalid-dest', `${BASE}copyfiles: [{src: a, dest: b}]\n`, '6:28'],
  ['invalid-dest', `${BASE}copyfiles: [{src: a, dest: /a/../../b}]\n`, '6:28'],
  ['no-modules', `${BASE}modules: {enable: [nginx:1.24]}\n`, '6:1'],
  ['no-modules', `${BASE.replace('apt', 'zypper')}modules: {enable: [nginx:1.24]}\n`, '6:1'],
  ['leading-dash', `${BASE}packages: [a, --installroot=/]\n`, '6:15'],
  ['leading-dash', `${BASE}packages: [-oAPT::Update::Pre-Invoke::=id]\n`, '6:12'],
  ['leading-dash', `${BASE}copyfiles: [{src: --chmod=777, dest: /b}]\n`, '6:19'],
  ['leading-dash', ANSIBLE.replace('site.yaml', '--become'), '5:14'],
  ['control-character', `${BASE}package_groups: ["a\\nb"]\n`, '6:18'],
  ['control-character', `${BASE}repos: [{alias: a, url: "http://x\\ninjected"}]\n`, '6:25'],
  ['inexact-number', `${ANSIBLE}  vars: {release: 9.0}\n`, '7:19'],
];

const WARNINGS = new Set([
  'empty-key',
  'no-effect',
  'no-destination',
  'credentials-in-url',
  'unsigned-repository',
  'inexact-number',
]);

test('credentials in a destination are refused, since its name shows in plans and records', () => {
  expect(problems(`${BASE}  publish_s3: https://me:secret@s3\n`)).toEqual(['6:15 credentials-in-url']);
});

describe('problems of a layer file', () => {
  test.each(CASES)('%s: %j', (code, text, where) => {
    expect(problems(text)).toEqual([`${where} ${code}${WARNINGS.has(code) ? '?' : ''}`]);
  });

  test('gpgcheck: strict refuses a repository without a key', () => {
    const text = `${BASE.replace('apt', 'dnf')}  gpgcheck: strict\nrepos: [{alias: a, url: http://x}]\n`;
    expect(problems(text)).toEqual(['7:1 unsigned-repository']);
  });

  test('an image that goes only to S3 may have an upper-case name', () => {
    const text = 'options: {layer_type: base, pkg_manager: apt, name: Rocky, publish_s3: http://s3}\n';
    expect(problems(text)).toEqual([]);
  });

  test('a misspelt key of another level names both key and level', () => {
    expect(messages(`${BASE}  pakages: [a]\n`)).toEqual([
      'Unknown key `pakages` under `options`; did you mean `packages`, which belongs at the top level?',
    ]);
  });

  test('a boolean in quotes is told how to be written', () => {
    expect(messages(BASE.replace('publish_local: true', "publish_local: 'True'"))).toEqual([
      "`options.publish_local` must be `true` or `false`, not the text 'True'; write true without quotes",
    ]);
  });

  test('what only looks like a number to YAML 1.2 is text, as it is to image-build', () => {
    expect(problems(`${BASE}  publish_tags: [12e4, 08, 2026-01-31]\n`)).toEqual([]);
  });

  test('no secret in a message', () => {
    const text = `${BASE}  publish_s3: http://me:hunter2@s3\n  proxy: http://me:hunter2@proxy\n`;
    expect(messages(text).join()).not.toContain('hunter2');
  });
});
