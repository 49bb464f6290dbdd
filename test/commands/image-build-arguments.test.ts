import { expect, test } from 'vitest';
import { FLAGS, imageBuildHelp, parseImageBuild } from '../../tool/src/commands/image-build-arguments.ts';
import { toValue } from '../../tool/src/config/located.ts';
import { OPTION_KEYS } from '../../tool/src/config/option-keys.ts';

const options = (...argv: string[]) => {
  return toValue(parseImageBuild(['--config', 'x.yaml', ...argv]).flags, () => false);
};

/** Every flag of the contract's table, with what it makes of its values. */
const CASES: readonly [argv: string[], expected: Record<string, unknown>][] = [
  [['--layer-type', 'base'], { layer_type: 'base' }],
  [['--name', 'x'], { name: 'x' }],
  [['--parent=reg.example:5000/x:1'], { parent: 'reg.example:5000/x:1' }],
  [['--pkg-manager', 'dnf'], { pkg_manager: 'dnf' }],
  [['--gpgcheck', 'False'], { gpgcheck: false }],
  [['--gpgcheck', 'true'], { gpgcheck: true }],
  [['--gpgcheck=strict'], { gpgcheck: 'strict' }],
  [['--proxy', 'http://proxy.example:3128'], { proxy: 'http://proxy.example:3128' }],
  [['--publish-local'], { publish_local: true }],
  [['--publish-local=false'], { publish_local: false }],
  [['--publish-registry', 'reg.example/x'], { publish_registry: 'reg.example/x' }],
  [
    ['--registry-opts-push', '--tls-verify=false', '--creds=a:b'],
    { registry_opts_push: ['--tls-verify=false', '--creds=a:b'] },
  ],
  [['--registry-opts-push=--tls-verify=false'], { registry_opts_push: ['--tls-verify=false'] }],
  [
    ['--registry-opts-pull', '--tls-verify=false --authfile=a'],
    { registry_opts_pull: ['--tls-verify=false', '--authfile=a'] },
  ],
  [
    ['--publish-s3', 'http://s3.example', '--s3-prefix', 'a/', '--s3-bucket', 'b'],
    { publish_s3: 'http://s3.example', s3_prefix: 'a/', s3_bucket: 'b' },
  ],
  [['--publish-tags', '8.10', 'latest'], { publish_tags: ['8.10', 'latest'] }],
  [['--groups', 'compute', 'a group'], { groups: ['compute', 'a group'] }],
  [['--pb', 'site.yaml'], { playbooks: ['site.yaml'] }],
  [['--inventory', 'one', 'two'], { inventory: ['one', 'two'] }],
  [['--vars', 'a=1', 'b=x=y z', '--pb', 'p'], { vars: { a: '1', b: 'x=y z' }, playbooks: ['p'] }],
  [['--ansible-verbosity', '2'], { ansible_verbosity: '2' }],
  [
    ['--install-scap', '--scap-benchmark', '--oval-eval'],
    { install_scap: true, scap_benchmark: true, oval_eval: true },
  ],
  [['--log-level=DEBUG'], { log_level: 'DEBUG' }],
  [['--force-installroot', 'no'], { force_installroot: false }],
  [
    ['--dnf-options', 'best=False', 'skip_if_unavailable=True'],
    { dnf_options: ['best=False', 'skip_if_unavailable=True'] },
  ],
  [['--architectures', 'amd64', 'arm64'], { architectures: ['amd64', 'arm64'] }],
];

test.each(CASES)('%j', (argv, expected) => {
  expect(options(...argv)).toEqual(expected);
});

test('every flag of the schema is among them', () => {
  const flags = Object.values(OPTION_KEYS).flatMap((facts) => ('flag' in facts ? [facts.flag] : []));
  const tried = new Set(CASES.flatMap(([argv]) => argv.map((word) => word.split('=')[0])));
  expect(flags.filter((flag) => !tried.has(flag))).toEqual([]);
});

test('a beginning that is one flag only stands for it; of a repeated flag the last counts', () => {
  expect(options('--log', 'INFO', '--inv', 'x')).toEqual({ log_level: 'INFO', inventory: ['x'] });
  expect(options('--publish-tags', 'a', 'b', '--publish-tags', 'c')).toEqual({ publish_tags: ['c'] });
  expect(() => options('--publish', 'x')).toThrow('--publish may be any of --publish-local, --publish-registry');
});

test('--repo has no effect, which is said', () => {
  expect(parseImageBuild(['--repo', 'x', '--config', 'y'])).toMatchObject({ config: 'y', ignored: ['--repo'] });
});

test.each([
  [[], '--config FILE is missing'],
  [['--config'], '--config needs a value'],
  [['--config', 'x', 'y'], 'there is a word that belongs to no flag'],
  [['--config', 'x', '--publish-tag5', 'y'], "there is no flag '--publish-tag5'"],
  [['--config', 'x', '--publish-tags'], '--publish-tags needs a value'],
  [['--config', 'x', '--name', '-y'], '--name needs a value'],
  [['--config', 'x', '--vars', 'secret'], '--vars takes KEY=VALUE'],
])('%j: %s', (argv, message) => {
  expect(() => parseImageBuild(argv)).toThrow(message);
});

test('the help has every flag', () => {
  const help = imageBuildHelp();
  for (const flag of FLAGS.keys()) expect(help).toContain(`  ${flag}`);
});
