/**
 * What a key is when nobody gives it. Plain data without zod: recipes leave out what equals the default, so that a key
 * added later changes no recipe. A key that is not here has no default.
 */
export const OPTION_DEFAULTS = {
  name: 'base',
  parent: 'scratch',
  gpgcheck: true,
  proxy: '',
  publish_local: false,
  publish_registry: '',
  registry_opts_push: [],
  registry_opts_pull: [],
  publish_s3: '',
  s3_prefix: '',
  s3_bucket: 'boot-images',
  s3_tls_verify: true,
  squashfs_options: ['-comp', 'zstd', '-Xcompression-level', '6'],
  boot_kernel: 'newest',
  publish_tags: ['latest'],
  groups: [],
  playbooks: [],
  inventory: [],
  vars: {},
  ansible_verbosity: 0,
  connection: 'layers' as const,
  ansible_tags: [],
  ansible_skip_tags: [],
  ansible_requirements: '',
  ansible_vault_password_file: '',
  install_scap: false,
  scap_benchmark: false,
  oval_eval: false,
  labels: {},
  force_installroot: false,
  tools_image: '',
  mounts: [],
  dnf_options: [],
  architectures: [],
  variant: 'minbase',
  tool_versions: 'major' as const,
  environment: [],
  manual: false,
} satisfies Readonly<Record<string, unknown>>;

export const TOP_DEFAULTS = {
  repos: [],
  exclusive_repos: [],
  modules: {},
  package_groups: [],
  packages: [],
  remove_packages: [],
  copyfiles: [],
  cmds: [],
  openscap: [],
  image_config: {},
} satisfies Readonly<Record<string, unknown>>;

export const COPYFILE_DEFAULTS = { opts: [] } satisfies Readonly<Record<string, unknown>>;

export const COMMAND_DEFAULTS = { loglevel: 'INFO', buildah_extra_args: [] } satisfies Readonly<
  Record<string, unknown>
>;
