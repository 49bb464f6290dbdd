import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test, vi } from 'vitest';
import { STEP_VERSIONS } from '../../tool/src/build/versions.ts';
import type { Layer } from '../../tool/src/config/layer.ts';
import { layer } from '../helpers/layers.ts';
import { type RecordedBuild, recordBuild } from './recorded-build.ts';

const FOLDER = path.join(import.meta.dirname, 'golden');

const debian = { 'usr/lib/os-release': 'ID=debian\nVERSION_CODENAME=bookworm\n', 'usr/bin/bash': '' };
const rocky = {
  'usr/lib/os-release': 'ID=rocky\n',
  'usr/bin/dnf': '',
  'etc/dnf/dnf.conf': '[main]\ngpgcheck=1\nbest=True\n',
};
const key = { 'key.asc': '-----BEGIN PGP PUBLIC KEY BLOCK-----\n' };
const all = {
  package_groups: ['tools'],
  packages: ['bash', 'less'],
  remove_packages: ['vim'],
  copyfiles: [{ src: 'a', dest: '/etc/a', opts: ['--chmod', '0600'] }],
  cmds: ['true', { cmd: 'echo $HOME; id', buildah_extra_args: ['--user', 'nobody'] }],
};
const aptRepos = [
  { alias: 'main', url: 'http://deb.example/debian', gpg: 'key.asc', apt_dist: 'bookworm', apt_comp: 'main contrib' },
  { alias: 'flat', url: 'http://deb.example/flat', apt_dist: './' },
];
const loginRepos = [
  { alias: 'closed', url: 'https://user:p%40ss@deb.example/a', gpg: 'key.asc' },
  { alias: 'line', config: 'deb [arch=amd64] http://u:q@deb.example/b sid main\n', gpg: 'key.asc' },
];
const dnfRepos = [
  { alias: 'base', url: 'https://rpm.example/$releasever/os', gpg: `${key['key.asc']}`, priority: 10 },
  { alias: 'own', url: 'https://rpm.example/own', gpg: 'key.asc' },
];
/** Logins, a text given whole, and all that has an order of its own. */
const closed = [
  { alias: 'closed', url: 'https://user:p%40ss@rpm.example/a?x=1&y=2', gpg: 'key.asc' },
  {
    alias: 'whole',
    config: '[one]\nbaseurl=https://rpm.example/1\n[two]\nmirrorlist=https://rpm.example/2\ngpgkey=file:///etc/k\n',
  },
];
const modules = {
  install: ['perl:5.32/common'],
  enable: ['nodejs:18', 'ruby:3.1'],
  reset: ['nodejs'],
  'switch-to': ['php:8.1'],
  disable: ['mysql'],
  remove: ['old'],
};
const openscap = [{ profile: 'site' }, { benchmark_path: '/b.xml' }, { oval_path: '/srv/found.xml' }];
/** A root in which oscap was. */
const scanned = {
  'usr/bin/oscap': 'x',
  'b.xml': 'x',
  'root/oval.xml': 'x',
  'root/scan.xml': '<rule-result idref="a" severity="low"><result>fail</result></rule-result>',
  'root/remediate.sh': 'x',
  'srv/found.xml': 'x',
};
const dnf = { pkg_manager: 'dnf', releasever: '9', dnf_options: ['best=False'] };

/** How a package manager is called stands for its own version: of it only the packages. */
async function scanOnly(made: Layer, root: Readonly<Record<string, string>>): Promise<RecordedBuild> {
  const { calls } = await recordBuild(made, root);
  const own = calls.filter(({ step }) => /^(install_scap|scap_benchmark|oval_eval)$/.test(step));
  const packages = (call: readonly unknown[]) => (call[2] as readonly string[]).slice(-2);
  return {
    calls: own.map((one) => (one.step === 'install_scap' ? { ...one, call: packages(one.call) } : one)),
    files: {},
  };
}

const leap = {
  'usr/lib/os-release': 'ID=opensuse-leap\nVERSION_ID=15.6\n',
  'usr/bin/zypper': '',
  'usr/lib/sysimage/rpm/Packages.db': '',
  'etc/zypp/repos.d/oss.repo': '[oss]\nenabled=1\nbaseurl=https://rpm.example/oss\ngpgkey=file:///etc/pki/key\n',
  'etc/zypp/services.d/s.service': '[s]\n',
};
const zypperRepos = [
  { alias: 'base', url: 'https://rpm.example/$releasever/os', priority: 10 },
  { alias: 'own', url: 'https://user:word@rpm.example/own', gpg: 'key.asc' },
];
const zypper = { pkg_manager: 'zypper', releasever: '15.6' };

/** Of `l`'s tools image, what is lent is a file of the tree. */
const byTools = { tools_image: 'r/el8:1', mounts: ['key.asc:/etc/lent.asc'], proxy: 'http://p:1' };

/** What each builder does with layers that use all of it. A new case needs no new version. */
const CASES: Record<keyof typeof STEP_VERSIONS, Record<string, () => Promise<RecordedBuild>>> = {
  apt: {
    scratch: () => recordBuild(layer('l', { suite: 'bookworm' }, all), 'scratch'),
    'scratch with repositories': () => recordBuild(layer('l', {}, { ...all, repos: aptRepos }), 'scratch', key),
    parent: () => recordBuild(layer('l', {}, { ...all, repos: aptRepos }), debian, key),
    'scratch with a login': () =>
      recordBuild(layer('l', { suite: 'sid' }, { packages: ['a'], exclusive_repos: loginRepos }), 'scratch', key),
    'parent with a login and exclusive repositories': () =>
      recordBuild(layer('l', {}, { packages: ['a'], exclusive_repos: loginRepos }), debian, key),
    'parent with a proxy, unchecked': () =>
      recordBuild(
        layer('l', { proxy: 'http://p:1', gpgcheck: false }, { packages: ['less'], repos: aptRepos.slice(1) }),
        debian,
      ),
  },
  dnf: {
    scratch: () => recordBuild(layer('l', dnf, { ...all, repos: dnfRepos }), 'scratch', key),
    parent: () => recordBuild(layer('l', { ...dnf, proxy: 'http://p:1' }, { ...all, repos: dnfRepos }), rocky, key),
    'scratch with modules and a login': () =>
      recordBuild(
        layer('l', { ...dnf, gpgcheck: 'strict' }, { modules, exclusive_repos: closed.slice(0, 1) }),
        'scratch',
        key,
      ),
    'parent of image-build with exclusive repositories and modules, unchecked': () =>
      recordBuild(
        layer(
          'l',
          { pkg_manager: 'dnf', gpgcheck: false },
          { modules, exclusive_repos: closed, repos: dnfRepos.slice(1) },
        ),
        {
          ...rocky,
          'usr/bin/rpm': '',
          'etc/dnf/dnf.conf': '[main]\nreposdir=/root/.pkg_repos/yum.repos.d\ncachedir=/home/builder/cache\n',
          'root/.pkg_repos/yum.repos.d/gone.repo': '[gone]\nbaseurl=http://gone.example\n',
        },
        key,
      ),
    'parent with a login': () =>
      recordBuild(layer('l', dnf, { packages: ['foo >= 1'], repos: closed }), { ...rocky, 'usr/bin/rpm': '' }, key),
    force_installroot: () => recordBuild(layer('l', { ...dnf, force_installroot: true }, { packages: ['a'] }), rocky),
    'scratch by a tools image': () =>
      recordBuild(layer('l', { ...dnf, ...byTools }, { ...all, repos: dnfRepos }), 'scratch', key),
    'parent by a tools image': () => recordBuild(layer('l', { ...dnf, ...byTools }, { packages: ['a'] }), rocky, key),
  },
  ansible: {
    all: () =>
      recordBuild(
        layer('l', {
          layer_type: 'ansible',
          pkg_manager: undefined,
          name: 'node',
          groups: ['compute', 'gpu'],
          playbooks: ['site.yaml', 'more/late.yaml'],
          inventory: ['inventory'],
          vars: { a: [1] },
          ansible_verbosity: 2,
          ansible_tags: ['x', 'y'],
          ansible_skip_tags: ['z'],
          ansible_vault_password_file: 'vault',
        }),
        debian,
        { 'ansible.cfg': '[defaults]\ncallback_plugins = ./callbacks\n' },
      ),
    "the collection's connection": () => {
      const options = { layer_type: 'ansible', pkg_manager: undefined, playbooks: ['site.yaml'] };
      return recordBuild(layer('l', { ...options, connection: 'containers.podman.buildah' }), debian);
    },
  },
  openscap: {
    base: () =>
      scanOnly(
        layer('l', { install_scap: true, scap_benchmark: true, oval_eval: true, scap_fail_on: 'high' }, { openscap }),
        { ...debian, ...scanned },
      ),
    'base with a proxy': () =>
      scanOnly(layer('l', { proxy: 'http://p:1', scap_benchmark: true }, { openscap }), { ...debian, ...scanned }),
    ansible: () =>
      scanOnly(
        layer(
          'l',
          {
            layer_type: 'ansible',
            pkg_manager: undefined,
            playbooks: 'site.yaml',
            install_scap: true,
            oval_eval: true,
          },
          { openscap },
        ),
        { ...rocky, ...scanned },
      ),
  },
  zypper: {
    scratch: () => recordBuild(layer('l', zypper, { ...all, repos: zypperRepos }), 'scratch', key),
    parent: () =>
      recordBuild(
        layer('l', { ...zypper, proxy: 'http://p:1' }, { ...all, exclusive_repos: zypperRepos.slice(1) }),
        leap,
        key,
      ),
    force_installroot: () =>
      recordBuild(layer('l', { ...zypper, force_installroot: true, gpgcheck: 'strict' }, { packages: ['a'] }), leap),
    'scratch by a tools image': () =>
      recordBuild(layer('l', { ...zypper, ...byTools }, { ...all, repos: zypperRepos }), 'scratch', key),
  },
};

for (const [name, cases] of Object.entries(CASES)) {
  const version = STEP_VERSIONS[name as keyof typeof STEP_VERSIONS];
  const file = (of: number) => path.join(FOLDER, `${name}-${of}.jsonl`);
  if (Object.keys(cases).length === 0) continue;

  test(`the step version ${version} of ${name} stands for exactly these commands`, async () => {
    for (const variable of ['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy']) {
      vi.stubEnv(variable, undefined);
      vi.stubEnv(variable.toUpperCase(), undefined);
    }
    for (const variable of ['ANSIBLE_CONFIG', 'ANSIBLE_CALLBACK_PLUGINS', 'ANSIBLE_CONNECTION_PLUGINS', 'PYTHONPATH'])
      vi.stubEnv(variable, undefined);
    const recorded: Record<string, RecordedBuild> = {};
    for (const [title, record] of Object.entries(cases)) recorded[title] = await record();
    const text = linesOf(recorded);
    if (process.env.UPDATE_GOLDEN === '1' && !existsSync(file(version))) writeFileSync(file(version), text);
    const hint = `what ${name} does has changed: raise STEP_VERSIONS.${name} and run this test with UPDATE_GOLDEN=1`;
    expect(text, hint).toBe(readFileSync(file(version), 'utf8'));
  });

  test(`the step version of ${name} was raised for a reason`, () => {
    const kept = readdirSync(FOLDER).filter((entry) => entry.startsWith(`${name}-`));
    expect(kept.length).toBeLessThanOrEqual(2);
    if (version === 1) return;
    expect(readFileSync(file(version - 1), 'utf8'), 'nothing changed since the last version').not.toBe(
      readFileSync(file(version), 'utf8'),
    );
  });
}

/** A call or a file a line, so that a difference can be read. */
function linesOf(recorded: Readonly<Record<string, RecordedBuild>>): string {
  const lines = Object.entries(recorded).flatMap(([title, { calls, files }]) => [
    ...calls.map(({ step, call }) => [title, step, ...call]),
    ...Object.entries(files).map(([file, text]) => [title, 'file', file, text]),
  ]);
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
