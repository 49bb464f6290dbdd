import type { KeyFacts } from './key-facts.ts';

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
