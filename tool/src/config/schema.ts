import { z } from 'zod';

/**
 * What a key decides: `build` keys are part of the recipe, `publish` keys only of the publish key, `neither` of nothing.
 * The column of `docs/layer-file.md` is printed from here, and the recipe is made from here.
 */
export type Counts = 'build' | 'publish' | 'neither';

interface KeyMeta {
  readonly counts: Counts;
  readonly description: string;
  /** image-build's command line flag for the key. */
  readonly flag?: string;
  /** Values may carry credentials: recipes and records keep only their hashes. */
  readonly secret?: boolean;
  [extra: string]: unknown;
}

const key = <T extends z.ZodType>(type: T, counts: Counts, description: string, extra: Partial<KeyMeta> = {}): T =>
  type.meta({ counts, description, ...extra } satisfies KeyMeta);

const text = z.string();
/** YAML writes a single tag or group as a plain string; ours is always a list. */
const list = z.union([text.transform((one) => [one]), z.array(text)]);
/** Option strings are split at white space, as a shell would for the plain cases that are in use. */
const words = z.union([text.transform((line) => line.split(/\s+/).filter(Boolean)), z.array(text)]);
const optionalList = list.default([]);

export const repoSchema = z.strictObject({
  alias: key(text.min(1), 'build', 'Name of the repository inside the image'),
  url: key(text.optional(), 'build', 'Base URL', { secret: true }),
  gpg: key(text.optional(), 'build', 'URL or path of the signing key', { secret: true }),
  priority: key(z.coerce.number().int().min(1).max(200).optional(), 'build', 'Priority; lower wins for dnf and zypper'),
  config: key(text.optional(), 'build', 'Whole text of the repository file, instead of `url`', { secret: true }),
  apt_dist: key(text.optional(), 'build', 'apt: the suite, for example `bookworm`'),
  apt_comp: key(text.optional(), 'build', 'apt: the components, for example `main contrib`'),
});

export const copyfileSchema = z.strictObject({
  src: key(text.min(1), 'build', 'File or folder; relative to the root, then to the layer file'),
  dest: key(text.min(1), 'build', 'Absolute place in the image (`dst` is taken too)'),
  opts: key(words.default([]), 'build', 'Arguments of `buildah copy`'),
});

export const commandSchema = z.strictObject({
  cmd: key(text.min(1), 'build', 'Command line for the shell inside the image', { secret: true }),
  loglevel: key(text.default('INFO'), 'neither', 'Level at which its output is logged'),
  buildah_extra_args: key(words.default([]), 'build', 'Arguments of `buildah run`'),
});

const openscap = z.record(text, z.unknown());

export const optionsSchema = z.strictObject({
  layer_type: key(z.enum(['base', 'ansible']), 'build', 'Which builder makes the layer', { flag: '--layer-type' }),
  name: key(text.min(1).default('base'), 'publish', 'Image name; for an Ansible layer also `inventory_hostname`, and then it counts for the build', { flag: '--name' }),
  parent: key(text.min(1).default('scratch'), 'build', 'Image reference, layer name, or `scratch`', { flag: '--parent' }),
  pkg_manager: key(z.enum(['apt', 'dnf', 'zypper']).optional(), 'build', 'Package manager; required for a base layer', { flag: '--pkg-manager' }),
  gpgcheck: key(z.union([z.boolean(), z.literal('strict')]).default(true), 'build', '`strict` refuses repositories without a key', { flag: '--gpgcheck' }),
  proxy: key(text.default(''), 'neither', 'Proxy of the package manager during the build; never left in the image', { flag: '--proxy', secret: true }),
  publish_local: key(z.boolean().default(false), 'publish', 'Keep as `NAME:TAG` in local containers storage', { flag: '--publish-local' }),
  publish_registry: key(text.default(''), 'publish', 'Registry and path, or `oci:DIR`', { flag: '--publish-registry' }),
  registry_opts_push: key(words.default([]), 'neither', 'Arguments of `buildah push`', { flag: '--registry-opts-push', secret: true }),
  registry_opts_pull: key(words.default([]), 'neither', 'Arguments of `buildah from`', { flag: '--registry-opts-pull', secret: true }),
  publish_s3: key(text.default(''), 'publish', 'Endpoint URL, or `file:DIR`', { flag: '--publish-s3' }),
  s3_prefix: key(text.default(''), 'publish', 'Prefix of the object keys', { flag: '--s3-prefix' }),
  s3_bucket: key(text.default('boot-images'), 'publish', 'Bucket', { flag: '--s3-bucket' }),
  s3_tls_verify: key(z.boolean().default(true), 'neither', 'Verify the certificate of the S3 endpoint'),
  squashfs_options: key(words.default(['-comp', 'zstd', '-Xcompression-level', '6']), 'publish', 'Arguments of mksquashfs'),
  boot_kernel: key(text.default('newest'), 'publish', 'Kernel to publish: a version, a glob, or `newest`'),
  publish_tags: key(list.default(['latest']), 'publish', 'Tags, quoted when they look like numbers', { flag: '--publish-tags' }),
  groups: key(optionalList, 'build', 'Inventory groups the image joins', { flag: '--groups' }),
  playbooks: key(optionalList, 'build', 'Playbooks, run in order', { flag: '--pb' }),
  inventory: key(optionalList, 'build', 'Inventories: files, folders or scripts', { flag: '--inventory' }),
  vars: key(z.record(text, z.unknown()).default({}), 'build', 'Extra variables', { flag: '--vars', secret: true }),
  ansible_verbosity: key(z.coerce.number().int().min(0).max(4).default(0), 'neither', 'How much ansible-playbook says', { flag: '--ansible-verbosity' }),
  ansible_tags: key(optionalList, 'build', 'Only tasks with these tags'),
  ansible_skip_tags: key(optionalList, 'build', 'Not the tasks with these tags'),
  ansible_vault_password_file: key(text.default(''), 'neither', 'File with the vault password'),
  install_scap: key(z.boolean().default(false), 'build', 'Install OpenSCAP', { flag: '--install-scap' }),
  scap_benchmark: key(z.boolean().default(false), 'build', 'Run the XCCDF evaluation', { flag: '--scap-benchmark' }),
  oval_eval: key(z.boolean().default(false), 'build', 'Run the OVAL evaluation', { flag: '--oval-eval' }),
  labels: key(z.record(text, z.coerce.string()).default({}), 'publish', 'Labels of the published image'),
  log_level: key(text.optional(), 'neither', 'Level of the log', { flag: '--log-level' }),
  force_installroot: key(z.boolean().default(false), 'build', "The host's package manager although there is a parent", { flag: '--force-installroot' }),
  dnf_options: key(words.default([]), 'build', '`key=value` settings of a temporary dnf.conf', { flag: '--dnf-options', secret: true }),
  architectures: key(optionalList, 'build', "Architectures; default the host's", { flag: '--architectures' }),
  releasever: key(text.optional(), 'build', 'dnf and zypper: release version of a root from scratch'),
  suite: key(text.optional(), 'build', "apt: suite of a root from scratch; default the first repository's, else the host's"),
  variant: key(text.default('minbase'), 'build', 'apt: variant of mmdebstrap for a root from scratch'),
  manual: key(z.boolean().default(false), 'neither', 'Left out of `--all`; built when named or needed'),
});

export const layerFileSchema = z.strictObject({
  options: optionsSchema,
  repos: key(z.array(repoSchema).default([]), 'build', 'Package repositories; they stay configured in the image'),
  exclusive_repos: key(z.array(repoSchema).default([]), 'build', "As `repos`, after removing the image's own"),
  modules: key(z.record(z.enum(['enable', 'install', 'disable', 'reset', 'remove', 'switch-to']), list).default({} as never), 'build', 'dnf module commands'),
  package_groups: key(optionalList, 'build', 'Package groups to install'),
  packages: key(optionalList, 'build', 'Packages to install'),
  remove_packages: key(optionalList, 'build', 'Packages to remove; absent ones are reported'),
  copyfiles: key(z.array(copyfileSchema).default([]), 'build', 'Files to copy into the image'),
  cmds: key(z.array(z.union([text.transform((cmd) => ({ cmd, loglevel: 'INFO', buildah_extra_args: [] as string[] })), commandSchema])).default([]), 'build', 'Commands to run inside the image', { secret: true }),
  openscap: key(z.array(openscap).default([]), 'build', 'OpenSCAP settings'),
});

/** The validated content of a layer file, defaults filled in. Keys keep the spelling of the file. */
export type LayerFile = z.output<typeof layerFileSchema>;
export type LayerOptions = LayerFile['options'];
export type Repo = LayerFile['repos'][number];
export type CopyFile = LayerFile['copyfiles'][number];
export type Command = LayerFile['cmds'][number];
