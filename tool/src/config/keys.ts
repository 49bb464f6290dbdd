/** What a key decides: `build` keys are part of the recipe, `publish` keys only of the publish key, `neither` of nothing. */
export type Counts = 'build' | 'publish' | 'neither';

export type LayerType = 'base' | 'ansible';

/** What is known of a key besides its type. Plain data without zod, as a null build makes recipes from it. */
export interface KeyFacts {
  readonly counts: Counts;
  readonly description: string;
  /** The only type of layer that the key has an effect in; without it, both. */
  readonly only?: LayerType;
  /** Where the column differs for an Ansible layer. */
  readonly ansibleCounts?: Counts;
  /** image-build's command line flag for the key. */
  readonly flag?: string;
  /** The first part of a base layer that it counts in; without it the packages. What comes later counts no less. */
  readonly from?: 'files' | 'commands';
  /** Values may carry credentials: recipes and records keep only their hashes, and printers mask them. */
  readonly secret?: boolean;
}

/** The keys under `options`, in the order of the reference. */
export const OPTION_KEYS = {
  layer_type: { counts: 'build', flag: '--layer-type', description: 'Which builder makes the layer' },
  name: {
    counts: 'publish',
    ansibleCounts: 'build',
    flag: '--name',
    description: 'Image name; for an Ansible layer also `inventory_hostname`, and then it counts for the build',
  },
  parent: { counts: 'build', flag: '--parent', description: 'Image reference, layer name or id, or `scratch`' },
  pkg_manager: {
    counts: 'build',
    only: 'base',
    flag: '--pkg-manager',
    description: 'Package manager; required for a base layer',
  },
  gpgcheck: {
    counts: 'build',
    only: 'base',
    flag: '--gpgcheck',
    description: 'Check signatures where a key is given; `strict` refuses repositories without one',
  },
  proxy: {
    counts: 'neither',
    only: 'base',
    flag: '--proxy',
    secret: true,
    description: 'Proxy of the package manager during the build; never left in the image',
  },
  publish_local: {
    counts: 'publish',
    flag: '--publish-local',
    description: 'Keep as `NAME:TAG` in local containers storage',
  },
  publish_registry: { counts: 'publish', flag: '--publish-registry', description: 'Registry and path, or `oci:DIR`' },
  registry_opts_push: {
    counts: 'neither',
    flag: '--registry-opts-push',
    secret: true,
    description: 'Arguments of `buildah push`',
  },
  registry_opts_pull: {
    counts: 'neither',
    flag: '--registry-opts-pull',
    secret: true,
    description: 'Arguments of `buildah from`',
  },
  publish_s3: { counts: 'publish', flag: '--publish-s3', description: 'Endpoint URL, or `file:DIR`' },
  s3_prefix: { counts: 'publish', flag: '--s3-prefix', description: 'Prefix of the object keys' },
  s3_bucket: { counts: 'publish', flag: '--s3-bucket', description: 'Bucket' },
  s3_acl: {
    counts: 'publish',
    description:
      "Canned ACL of the objects, kept on copies that the server makes; without it, the server's own default",
  },
  s3_tls_verify: { counts: 'neither', description: 'Verify the certificate of the S3 endpoint' },
  squashfs_options: { counts: 'publish', description: 'Arguments of mksquashfs' },
  boot_kernel: { counts: 'publish', description: 'Kernel to publish: a version, a glob, or `newest`' },
  publish_tags: { counts: 'publish', flag: '--publish-tags', description: 'Tags, quoted when they look like numbers' },
  groups: { counts: 'build', only: 'ansible', flag: '--groups', description: 'Inventory groups the image joins' },
  playbooks: {
    counts: 'build',
    only: 'ansible',
    flag: '--pb',
    description: 'Playbooks, run in order; required for an Ansible layer',
  },
  inventory: {
    counts: 'build',
    only: 'ansible',
    flag: '--inventory',
    description: 'Inventories: files, folders or scripts',
  },
  vars: { counts: 'build', only: 'ansible', flag: '--vars', secret: true, description: 'Extra variables' },
  ansible_verbosity: {
    counts: 'neither',
    only: 'ansible',
    flag: '--ansible-verbosity',
    description: 'How much ansible-playbook says, 0 to 4',
  },
  connection: {
    counts: 'build',
    only: 'ansible',
    description:
      'How Ansible reaches the container: `layers`, our own plugin, or the plugin of the collection containers.podman',
  },
  ansible_tags: { counts: 'build', only: 'ansible', description: 'Only tasks with these tags' },
  ansible_skip_tags: { counts: 'build', only: 'ansible', description: 'Not the tasks with these tags' },
  ansible_requirements: {
    counts: 'build',
    only: 'ansible',
    description:
      'Requirements file of collections, installed for this build only; archives in it are relative to the root of the tree',
  },
  ansible_vault_password_file: { counts: 'neither', only: 'ansible', description: 'File with the vault password' },
  install_scap: {
    counts: 'build',
    from: 'commands',
    flag: '--install-scap',
    description: "Install OpenSCAP and the distribution's benchmarks",
  },
  scap_benchmark: {
    counts: 'build',
    from: 'commands',
    flag: '--scap-benchmark',
    description: 'Evaluate the benchmark of `openscap` and write a script that repairs what failed',
  },
  oval_eval: {
    counts: 'build',
    from: 'commands',
    flag: '--oval-eval',
    description: 'Evaluate OVAL definitions: known vulnerabilities',
  },
  scap_fail_on: {
    counts: 'build',
    from: 'commands',
    description: 'Fail the layer when a rule of the benchmark of this severity or above fails: `low`, `medium`, `high`',
  },
  labels: { counts: 'publish', description: 'Labels of the published image' },
  log_level: { counts: 'neither', flag: '--log-level', description: 'Level of the log' },
  force_installroot: {
    counts: 'build',
    only: 'base',
    flag: '--force-installroot',
    description: "Use the host's package manager although there is a parent",
  },
  tools_image: {
    counts: 'build',
    only: 'base',
    description:
      "dnf and zypper: an image (reference, or layer of the tree) whose package manager works on the mounted root, in place of this machine's or the parent's; counts by its digest",
  },
  mounts: {
    counts: 'build',
    secret: true,
    description:
      '`SRC:DEST` or `SRC:DEST:rw`: files and folders of this machine that are there while something runs inside, read-only without `rw`, and never stay; the line counts, what lies at SRC does not',
  },
  dnf_options: {
    counts: 'build',
    only: 'base',
    flag: '--dnf-options',
    secret: true,
    description: '`key=value` settings of a temporary dnf.conf',
  },
  architectures: {
    counts: 'build',
    flag: '--architectures',
    description: 'Architectures, an image each; several are published as one list; default that of the machine',
  },
  releasever: {
    counts: 'build',
    only: 'base',
    description: 'dnf and zypper: `$releasever`; default what the release package says, of the layer or of its parent',
  },
  suite: {
    counts: 'build',
    only: 'base',
    description: "apt: suite of a root from scratch; default the first repository's, else the host's",
  },
  variant: { counts: 'build', only: 'base', description: 'apt: variant of mmdebstrap for a root from scratch' },
  tool_versions: {
    counts: 'neither',
    description:
      'How much of the version of a tool on this machine counts for the build: `major` (as far as results change), `exact` or `ignore`; recipes hold what is left of it',
  },
  environment: {
    counts: 'neither',
    description:
      'Names of variables that playbooks and package managers on this machine may see; their values count for the build, hashed. All others are kept away',
  },
  rebuild_after: {
    counts: 'neither',
    description: 'Age at which the layer is built again although nothing changed: `14d`, `36h`, `2w`',
  },
  manual: { counts: 'neither', description: 'Left out of `--all`; built when named or needed' },
} as const satisfies Record<string, KeyFacts>;

/** The keys at the top level of a layer file. */
export const TOP_KEYS = {
  options: {
    counts: 'build',
    description: 'What the layer is and where it goes; the table above says what each key counts for',
  },
  repos: { counts: 'build', only: 'base', description: 'Package repositories; they stay configured in the image' },
  exclusive_repos: { counts: 'build', only: 'base', description: "As `repos`, after removing the image's own" },
  modules: {
    counts: 'build',
    only: 'base',
    description: 'dnf module commands: a map from command to module specs; an error for other managers',
  },
  package_groups: { counts: 'build', only: 'base', description: 'Package groups to install' },
  packages: { counts: 'build', only: 'base', description: 'Packages to install' },
  remove_packages: { counts: 'build', only: 'base', description: 'Packages to remove; absent ones are reported' },
  copyfiles: { counts: 'build', only: 'base', from: 'files', description: 'Files to copy into the image' },
  cmds: {
    counts: 'build',
    only: 'base',
    from: 'commands',
    secret: true,
    description: 'Commands to run inside the image; a bare string is a command too',
  },
  openscap: { counts: 'build', from: 'commands', description: 'OpenSCAP settings: a list of single-key maps' },
  image_config: {
    counts: 'build',
    from: 'commands',
    description: 'How a container of the image starts; what is not given is as the parent has it',
  },
} as const satisfies Record<string, KeyFacts>;

/** The keys of an entry of `repos` and `exclusive_repos`. */
export const REPO_KEYS = {
  alias: { counts: 'build', description: 'Name of the repository inside the image' },
  url: { counts: 'build', secret: true, description: 'Base URL; with dnf also the URL of a `.repo` file' },
  gpg: { counts: 'build', secret: true, description: 'Signing key: its URL, path or text' },
  priority: { counts: 'build', description: 'Priority, 1 to 200; lower wins for dnf and zypper' },
  config: { counts: 'build', secret: true, description: 'Whole text of the repository file, instead of `url`' },
  apt_dist: { counts: 'build', description: 'apt: the suite, for example `bookworm`' },
  apt_comp: { counts: 'build', description: 'apt: the components, for example `main contrib`' },
} as const satisfies Record<string, KeyFacts>;

/** The keys of an entry of `copyfiles`. */
export const COPYFILE_KEYS = {
  src: { counts: 'build', description: 'File or folder; relative to the root, then to the layer file' },
  dest: { counts: 'build', description: 'Absolute place in the image (`dst` is taken too)' },
  opts: { counts: 'build', description: 'Arguments of `buildah copy`' },
} as const satisfies Record<string, KeyFacts>;

/** The keys of an entry of `cmds`. */
export const COMMAND_KEYS = {
  cmd: { counts: 'build', secret: true, description: 'Command line for the shell inside the image' },
  loglevel: { counts: 'neither', description: 'Level at which its output is logged' },
  buildah_extra_args: { counts: 'build', description: 'Arguments of `buildah run`' },
} as const satisfies Record<string, KeyFacts>;

/** The keys of `modules`: dnf's module commands. */
export const MODULE_KEYS = {
  enable: { counts: 'build', description: 'Streams to enable' },
  install: { counts: 'build', description: 'Modules or profiles to install' },
  disable: { counts: 'build', description: 'Modules to disable' },
  reset: { counts: 'build', description: 'Modules to reset' },
  remove: { counts: 'build', description: 'Profiles to remove' },
  'switch-to': { counts: 'build', description: 'Streams to switch to' },
} as const satisfies Record<string, KeyFacts>;

/** The keys of `openscap`, each in a map of its own. */
export const OPENSCAP_KEYS = {
  profile: {
    counts: 'build',
    description: "Profile of the benchmark: its id or the end of it; without it the benchmark's own choice",
  },
  benchmark_path: { counts: 'build', description: 'XCCDF file or data stream inside the image' },
  oval_url: {
    counts: 'build',
    secret: true,
    description:
      'Where the OVAL definitions come from, http or https, perhaps packed (bzip2, xz, gzip); without it `oval_xml` is evaluated as it is',
  },
  results_path: { counts: 'build', description: 'Results of the benchmark; default `/root/scan.xml`' },
  remediate_path: { counts: 'build', description: 'Script that repairs what failed; default `/root/remediate.sh`' },
  oval_xml: { counts: 'build', description: 'OVAL definitions; default `/root/oval.xml`' },
  oval_path: { counts: 'build', description: 'Results of the OVAL evaluation; default `/root/vulnerabilities.xml`' },
} as const satisfies Record<string, KeyFacts>;

/** The keys of `image_config`, in the words of OCI's image configuration. */
export const IMAGE_CONFIG_KEYS = {
  entrypoint: {
    counts: 'build',
    description: "Program and arguments that every start begins with; without `cmd` beside it, the parent's `cmd` goes",
  },
  cmd: { counts: 'build', description: 'Words after the entry point where nobody gives others' },
  env: {
    counts: 'build',
    description: "Variables, added to the parent's. Whoever has the image can read them: no place for secrets",
  },
  user: {
    counts: 'build',
    description: 'User, or `USER:GROUP`, by name or number. Commands of layers on top of this one run as that user too',
  },
  workdir: { counts: 'build', description: 'Folder to start in' },
  volumes: { counts: 'build', description: "Folders that get a volume of their own, added to the parent's" },
} as const satisfies Record<string, KeyFacts>;

/** What a key decides in a layer of that type: a key that has no effect there decides nothing. */
export function countsIn(facts: KeyFacts, type: LayerType): Counts {
  if (facts.only !== undefined && facts.only !== type) return 'neither';
  return type === 'ansible' ? (facts.ansibleCounts ?? facts.counts) : facts.counts;
}
