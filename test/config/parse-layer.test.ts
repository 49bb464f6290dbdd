import { describe, expect, test } from 'vitest';
import { ANSIBLE, BASE, layerOf, messages, problems, read } from './reading.ts';

describe('a layer file', () => {
  test("a base layer as in image-build's README", () => {
    const { layer, diagnostics } = read(`
options:
  layer_type: 'base'
  name: 'rocky-base'
  publish_tags: '8.10'
  pkg_manager: 'dnf'
  parent: 'scratch'
  publish_registry: 'registry.mysite.tld/openchami'
  registry_opts_push:
    - '--tls-verify=false'
  publish_s3: 'http://s3.mysite.tld'
  s3_prefix: 'compute/base/'
  s3_bucket: 'boot-images'
repos:
  - alias: 'rocky-baseos'
    url: 'http://dl.rockylinux.org/pub/rocky/8/BaseOS/x86_64/os'
  - alias: 'epel'
    url: 'http://dl.fedoraproject.org/pub/epel/8/Everything/x86_64/'
package_groups:
  - 'Minimal Install'
packages:
  - kernel
  - wget
cmds:
  - cmd: 'echo hello'
  - echo again
`);
    expect(diagnostics.map(({ code }) => code)).toEqual(['unsigned-repository']);
    expect(layer?.options).toMatchObject({
      name: 'rocky-base',
      publish_tags: ['8.10'],
      s3_tls_verify: true,
      gpgcheck: true,
    });
    expect(layer?.cmds).toEqual([
      { cmd: 'echo hello', loglevel: 'INFO', buildah_extra_args: [] },
      { cmd: 'echo again', loglevel: 'INFO', buildah_extra_args: [] },
    ]);
  });

  test("an Ansible layer as in image-build's README", () => {
    const layer = layerOf(`
options:
  layer_type: 'ansible'
  groups:
    - 'img_ochami_compute'
    - 'img_ochami'
  playbooks: 'playbooks/images/compute.yaml'
  inventory: 'inventory/'
  ansible_verbosity: '3'
  name: 'ansible-layer'
  publish_tags: '8.10'
  parent: 'registry.mysite.tld/openchami/rocky-base:8.10'
  publish_registry: 'registry.mysite.tld/openchami'
`);
    expect(layer.options).toMatchObject({
      groups: ['img_ochami_compute', 'img_ochami'],
      playbooks: ['playbooks/images/compute.yaml'],
      ansible_verbosity: 3,
    });
  });

  test('is frozen all the way down, and knows what of it is part of the recipe', () => {
    const layer = layerOf(`${BASE}packages: [a]\n`);
    expect(Object.isFrozen(layer.options.publish_tags)).toBe(true);
    expect(layer.recipe).toMatchObject({ packages: ['a'], pkg_manager: 'apt' });
  });

  test('hyphens count as underscores, and dst as dest', () => {
    const layer = layerOf(`options:
  layer-type: base
  pkg-manager: apt
  publish-s3: http://s3.example
  registry-opts-push: --tls-verify=false --quiet
  labels: {my-label: x}
  vars: {}
copyfiles:
  - src: a
    dst: /b
remove-packages: nano
`);
    expect(layer.options).toMatchObject({
      publish_s3: 'http://s3.example',
      registry_opts_push: ['--tls-verify=false', '--quiet'],
      labels: { 'my-label': 'x' },
    });
    expect(layer.copyfiles).toEqual([{ src: 'a', dest: '/b', opts: [] }]);
    expect(layer.remove_packages).toEqual(['nano']);
  });

  test('several packages in one entry are several packages, a version is part of one', () => {
    expect(layerOf(`${BASE}packages: [kernel kernel-devel, 'foo >= 1', vim]\n`).packages).toEqual([
      'kernel',
      'kernel-devel',
      'foo >= 1',
      'vim',
    ]);
  });

  test('anchors, aliases and merge keys', () => {
    const layer = layerOf(`options: &common
  layer_type: base
  pkg_manager: apt
  publish_local: true
  labels: {a: b}
packages: &some [a, b]
remove_packages: *some
repos:
  - &one {alias: one, url: http://one}
  - {<<: *one, alias: two}
`);
    expect(layer.remove_packages).toEqual(['a', 'b']);
    expect(layer.repos).toEqual([
      { alias: 'one', url: 'http://one' },
      { alias: 'two', url: 'http://one' },
    ]);
  });

  test('labels keep the spelling of the file', () => {
    const text = `${BASE}  labels: {version: 8.10, debug: no, empty: , "q": "1"}\n`;
    expect(layerOf(text).options.labels).toEqual({ version: '8.10', debug: 'no', empty: '', q: '1' });
  });

  test('vars are what Ansible would read', () => {
    const text = `${ANSIBLE}  vars: {mode: 0644, on_boot: yes, ratio: 1.5, commit: 12e4, nothing: ~, list: [1, no]}\n`;
    const vars = { mode: 0o644, on_boot: true, ratio: 1.5, commit: '12e4', nothing: null, list: [1, false] };
    expect(layerOf(text).options.vars).toEqual(vars);
  });

  test('what this version cannot build yet is read all the same', () => {
    const text = `options: {layer_type: base, pkg_manager: dnf, publish_local: true, install_scap: true, architectures: [amd64, arm64]}
modules: {enable: ['nodejs:20'], switch-to: 'php:8'}
exclusive_repos: [{alias: a, url: http://a, gpg: http://k}]
openscap: [{profile: stig}, {oval_url: http://o}]
`;
    expect(problems(text)).toEqual([]);
    expect(layerOf(text).modules).toEqual({ enable: ['nodejs:20'], 'switch-to': ['php:8'] });
  });

  test('all problems of a file at once, in the order of the file', () => {
    const text = `options:
  layer_type: base
  pkg_manger: dnf
  publish_tags: 8.10
  packages: [a]
pakages: [x]
copyfiles:
  - {src: a, dest: ../b}
`;
    expect(messages(text)).toEqual([
      'Unknown key `pkg_manger` under `options`; did you mean `pkg_manager`?',
      "`options.publish_tags`: YAML takes 8.10 for a number, and reads it as 8.1; put quotes around it: '8.10'",
      '`packages` has no meaning under `options`: it belongs at the top level; move it to the top level',
      'Unknown key `pakages` at the top level; did you mean `packages`?',
      'The destination `../b` must be absolute; write `/../b`',
    ]);
  });
});
