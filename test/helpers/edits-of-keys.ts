import type {
  COMMAND_KEYS,
  COPYFILE_KEYS,
  IMAGE_CONFIG_KEYS,
  MODULE_KEYS,
  OPENSCAP_KEYS,
  REPO_KEYS,
  TOP_KEYS,
} from '../../tool/src/config/keys.ts';
import type { OPTION_KEYS } from '../../tool/src/config/option-keys.ts';

/** A layer file as an object; JSON is YAML. */
export interface FileText {
  readonly options: Readonly<Record<string, unknown>>;
  readonly [key: string]: unknown;
}

type Values<Keys> = Readonly<Record<keyof Keys, unknown>>;

/** The layer that edits are made to, in the tree of `columns.test.ts`. */
export const BASE_FILE: FileText = {
  options: {
    ...{ layer_type: 'base', name: 'image', parent: 'below', pkg_manager: 'dnf' },
    ...{ publish_registry: 'r.example/a', publish_s3: 'https://s3.example', registry_opts_push: '--tls-verify=false' },
  },
  repos: [{ alias: 'one', url: 'https://m.example/one', apt_dist: 'bookworm', apt_comp: 'main' }],
  exclusive_repos: [{ alias: 'own', url: 'https://m.example/own' }],
  packages: ['a'],
  copyfiles: [{ src: 'files', dest: '/opt' }],
  cmds: [{ cmd: 'true' }],
  modules: { enable: ['x:1'] },
  openscap: [{ profile: 'one' }],
  image_config: { user: 'one' },
};

export const ANSIBLE_FILE: FileText = {
  options: {
    ...{ layer_type: 'ansible', name: 'image', parent: 'below', groups: ['compute'], playbooks: ['site.yaml'] },
    ...{ inventory: ['inventory'], vars: { a: 1 } },
    ...{ publish_registry: 'r.example/a', publish_s3: 'https://s3.example', registry_opts_push: '--tls-verify=false' },
  },
  image_config: { user: 'one' },
};

/** For each key another valid value than the files above have. A key of the schema that is not here does not compile, and fails the test. */
export const OTHER_OPTIONS: Values<typeof OPTION_KEYS> = {
  // Both kinds are tested; from one to the other is a test of its own.
  layer_type: undefined,
  name: 'other',
  parent: 'below2',
  // `modules` are dnf's alone; a test of its own.
  pkg_manager: undefined,
  gpgcheck: false,
  proxy: 'http://proxy.example:3128',
  publish_local: true,
  publish_registry: 'r.example/b',
  registry_opts_push: ['--tls-verify=true'],
  registry_opts_pull: '--tls-verify=false',
  publish_s3: 'https://other.example',
  s3_prefix: 'prefix/',
  s3_bucket: 'bucket',
  s3_acl: 'public-read',
  s3_tls_verify: false,
  squashfs_options: '-comp gzip',
  boot_kernel: '6.*',
  publish_tags: ['latest', '2'],
  groups: ['compute', 'gpu'],
  playbooks: ['site.yaml', 'more.yaml'],
  inventory: ['inventory', 'inventory2'],
  vars: { a: 2 },
  ansible_verbosity: 2,
  connection: 'containers.podman.buildah',
  ansible_tags: ['only'],
  ansible_skip_tags: ['never'],
  ansible_requirements: 'requirements.yml',
  ansible_vault_password_file: 'vault',
  install_scap: true,
  scap_benchmark: true,
  oval_eval: true,
  scap_fail_on: 'high',
  labels: { team: 'hpc' },
  log_level: 'DEBUG',
  force_installroot: true,
  // The layer is made by apt, for which it counts nothing: a test of its own.
  tools_image: undefined,
  mounts: ['more:/mnt'],
  dnf_options: ['install_weak_deps=False'],
  // For another machine than the one that plans. What a list with more in it does has a test of its own.
  architectures: ['arm64'],
  releasever: '9',
  suite: 'trixie',
  variant: 'apt',
  // These three are part of a recipe by what they let in, not by themselves.
  tool_versions: 'exact',
  environment: ['SITE'],
  rebuild_after: '14d',
  manual: true,
};

export const OTHER_TOP: Values<typeof TOP_KEYS> = {
  options: undefined,
  repos: [{ alias: 'two', url: 'https://m.example/two' }],
  exclusive_repos: [{ alias: 'other', url: 'https://m.example/other' }],
  modules: { enable: ['x:2'] },
  package_groups: ['core'],
  packages: ['a', 'b'],
  remove_packages: ['c'],
  copyfiles: [{ src: 'more', dest: '/opt' }],
  cmds: ['false'],
  openscap: [{ profile: 'two' }],
  image_config: { user: 'two' },
};

export const OTHER_REPO: Values<typeof REPO_KEYS> = {
  alias: 'two',
  url: 'https://m.example/two',
  gpg: 'https://m.example/key',
  priority: 3,
  config: '[one]\nbaseurl=https://m.example/one\n',
  apt_dist: 'trixie',
  apt_comp: 'main contrib',
};

export const OTHER_COPYFILE: Values<typeof COPYFILE_KEYS> = { src: 'more', dest: '/srv', opts: ['--chmod', '0600'] };

export const OTHER_COMMAND: Values<typeof COMMAND_KEYS> = {
  cmd: 'false',
  loglevel: 'DEBUG',
  buildah_extra_args: ['--env', 'A=b'],
};

export const OTHER_MODULES: Values<typeof MODULE_KEYS> = {
  enable: ['x:2'],
  install: ['y'],
  disable: ['y'],
  reset: ['y'],
  remove: ['y'],
  'switch-to': ['y'],
};

export const OTHER_OPENSCAP: Values<typeof OPENSCAP_KEYS> = {
  profile: 'two',
  benchmark_path: '/b.xml',
  oval_url: 'https://o.example',
  results_path: '/r.xml',
  remediate_path: '/r.sh',
  oval_xml: '/o.xml',
  oval_path: '/p.xml',
};

export const OTHER_IMAGE_CONFIG: Values<typeof IMAGE_CONFIG_KEYS> = {
  entrypoint: ['/bin/init', '--'],
  cmd: ['bash'],
  env: { A: 'b' },
  user: 'two',
  workdir: '/srv',
  volumes: ['/var/lib/containers'],
};
