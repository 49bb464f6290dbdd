import { z } from 'zod';
import { architectureOf } from './architectures.ts';
import { COMMAND_DEFAULTS, COPYFILE_DEFAULTS, OPTION_DEFAULTS, TOP_DEFAULTS } from './defaults.ts';
import type { KeyFacts } from './key-facts.ts';
import { COMMAND_KEYS, COPYFILE_KEYS, IMAGE_CONFIG_KEYS, OPENSCAP_KEYS, REPO_KEYS, TOP_KEYS } from './keys.ts';
import { OPTION_KEYS } from './option-keys.ts';

// The types. What a key counts for and its description are in keys.ts, defaults in defaults.ts: a null build loads those
// two without zod.

const CANNED_ACLS = [
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'aws-exec-read',
  'bucket-owner-read',
  'bucket-owner-full-control',
] as const;

const text = z.string();
/** YAML writes a single tag or group as a plain string; ours is always a list. */
const list = z.union([text.transform((one) => [one]), z.array(text)]);
/** Option strings are split at white space, as a shell would for the plain cases that are in use. */
const words = z.union([text.transform((line) => line.split(/\s+/).filter(Boolean)), z.array(text)]);
/** image-build gave the list to a shell, so `kernel kernel-devel` in one entry is in use; `foo >= 1` is one package. */
const packages = list.transform((specs) =>
  specs.flatMap((spec) => (/[<>=(]/.test(spec) ? [spec.trim()] : spec.split(/\s+/).filter(Boolean))),
);
/** By their OCI names, each once; what names none stays as it is, for a check that knows the place. */
const architectures = list.transform((names) => [...new Set(names.map((name) => architectureOf(name) ?? name))]);
/** An integer, or its digits as a string: both are in use. */
const integer = (least: number, most: number) => {
  const range = z.number().int().min(least).max(most);
  return z.union([
    range,
    text
      .regex(/^\s*[0-9]{1,9}\s*$/)
      .transform(Number)
      .pipe(range),
  ]);
};

const repoSchema = described(REPO_KEYS, {
  alias: text.min(1),
  url: text.optional(),
  gpg: text.optional(),
  priority: integer(1, 200).optional(),
  config: text.optional(),
  apt_dist: text.optional(),
  apt_comp: text.optional(),
});

const copyfileSchema = described(COPYFILE_KEYS, {
  src: text.min(1),
  dest: text.min(1),
  opts: words.default(COPYFILE_DEFAULTS.opts),
});

const commandSchema = described(COMMAND_KEYS, {
  cmd: text.min(1),
  loglevel: text.default(COMMAND_DEFAULTS.loglevel),
  buildah_extra_args: words.default(COMMAND_DEFAULTS.buildah_extra_args),
});
const bareCommand = text.min(1).transform((cmd) => ({ cmd, ...COMMAND_DEFAULTS }) as z.output<typeof commandSchema>);

const openscapSchema = described(OPENSCAP_KEYS, {
  profile: text.optional(),
  benchmark_path: text.optional(),
  oval_url: text.optional(),
  results_path: text.optional(),
  remediate_path: text.optional(),
  oval_xml: text.optional(),
  oval_path: text.optional(),
});

const imageConfigSchema = described(IMAGE_CONFIG_KEYS, {
  // Words of an argv: a line of text would have to be split, which is a shell's work.
  entrypoint: z.array(text).optional(),
  cmd: z.array(text).optional(),
  env: z.record(text, text).optional(),
  user: text.min(1).optional(),
  workdir: text.optional(),
  volumes: list.optional(),
});

export const optionsSchema = described(OPTION_KEYS, {
  layer_type: z.enum(['base', 'ansible']),
  name: text.min(1).default(OPTION_DEFAULTS.name),
  parent: text.min(1).default(OPTION_DEFAULTS.parent),
  pkg_manager: z.enum(['apt', 'dnf', 'zypper']).optional(),
  gpgcheck: z.union([z.boolean(), z.literal('strict')]).default(OPTION_DEFAULTS.gpgcheck),
  proxy: text.default(OPTION_DEFAULTS.proxy),
  publish_local: z.boolean().default(OPTION_DEFAULTS.publish_local),
  publish_registry: text.default(OPTION_DEFAULTS.publish_registry),
  registry_opts_push: words.default(OPTION_DEFAULTS.registry_opts_push),
  registry_opts_pull: words.default(OPTION_DEFAULTS.registry_opts_pull),
  publish_s3: text.default(OPTION_DEFAULTS.publish_s3),
  s3_prefix: text.default(OPTION_DEFAULTS.s3_prefix),
  s3_bucket: text.min(1).default(OPTION_DEFAULTS.s3_bucket),
  s3_acl: z.enum(CANNED_ACLS).optional(),
  s3_tls_verify: z.boolean().default(OPTION_DEFAULTS.s3_tls_verify),
  squashfs_options: words.default(OPTION_DEFAULTS.squashfs_options),
  boot_kernel: text.min(1).default(OPTION_DEFAULTS.boot_kernel),
  publish_tags: list.transform((tags) => [...new Set(tags)]).default(OPTION_DEFAULTS.publish_tags),
  groups: list.default(OPTION_DEFAULTS.groups),
  playbooks: list.default(OPTION_DEFAULTS.playbooks),
  inventory: list.default(OPTION_DEFAULTS.inventory),
  vars: z.record(text, z.unknown()).default(OPTION_DEFAULTS.vars),
  ansible_verbosity: integer(0, 4).default(OPTION_DEFAULTS.ansible_verbosity),
  connection: z.enum(['layers', 'containers.podman.buildah']).default(OPTION_DEFAULTS.connection),
  ansible_tags: list.default(OPTION_DEFAULTS.ansible_tags),
  ansible_skip_tags: list.default(OPTION_DEFAULTS.ansible_skip_tags),
  ansible_requirements: text.default(OPTION_DEFAULTS.ansible_requirements),
  ansible_vault_password_file: text.default(OPTION_DEFAULTS.ansible_vault_password_file),
  install_scap: z.boolean().default(OPTION_DEFAULTS.install_scap),
  scap_benchmark: z.boolean().default(OPTION_DEFAULTS.scap_benchmark),
  oval_eval: z.boolean().default(OPTION_DEFAULTS.oval_eval),
  scap_fail_on: z.enum(['low', 'medium', 'high']).optional(),
  labels: z.record(text, text).default(OPTION_DEFAULTS.labels),
  log_level: text.optional(),
  force_installroot: z.boolean().default(OPTION_DEFAULTS.force_installroot),
  tools_image: text.default(OPTION_DEFAULTS.tools_image),
  mounts: list.default(OPTION_DEFAULTS.mounts),
  dnf_options: words.default(OPTION_DEFAULTS.dnf_options),
  architectures: architectures.default(OPTION_DEFAULTS.architectures),
  releasever: text.optional(),
  suite: text.optional(),
  variant: text.min(1).default(OPTION_DEFAULTS.variant),
  tool_versions: z.enum(['major', 'exact', 'ignore']).default(OPTION_DEFAULTS.tool_versions),
  environment: z
    .union([text.transform((one) => [one]), z.array(text)])
    .pipe(z.array(text.regex(/^[A-Za-z_]\w*$/)))
    .default(OPTION_DEFAULTS.environment),
  rebuild_after: text.regex(/^[1-9][0-9]{0,4}[hdw]$/).optional(),
  manual: z.boolean().default(OPTION_DEFAULTS.manual),
});

export const layerFileSchema = described(TOP_KEYS, {
  options: optionsSchema,
  repos: z.array(repoSchema).default(TOP_DEFAULTS.repos),
  exclusive_repos: z.array(repoSchema).default(TOP_DEFAULTS.exclusive_repos),
  modules: z
    .partialRecord(z.enum(['enable', 'install', 'disable', 'reset', 'remove', 'switch-to']), list)
    .default(TOP_DEFAULTS.modules),
  package_groups: list.default(TOP_DEFAULTS.package_groups),
  packages: packages.default(TOP_DEFAULTS.packages),
  remove_packages: packages.default(TOP_DEFAULTS.remove_packages),
  copyfiles: z.array(copyfileSchema).default(TOP_DEFAULTS.copyfiles),
  cmds: z.array(z.union([bareCommand, commandSchema])).default(TOP_DEFAULTS.cmds),
  openscap: z.array(openscapSchema).default(TOP_DEFAULTS.openscap),
  image_config: imageConfigSchema.default(TOP_DEFAULTS.image_config),
});

/** The validated content of a layer file, defaults filled in. Keys keep the spelling of the file. */
export type LayerFile = z.output<typeof layerFileSchema>;
export type LayerOptions = LayerFile['options'];
export type Repo = LayerFile['repos'][number];
export type ImageConfig = LayerFile['image_config'];
export type CopyFile = LayerFile['copyfiles'][number];
export type Command = LayerFile['cmds'][number];

/** A strict map whose keys carry their descriptions; the compiler holds that schema and facts name the same keys. */
function described<const S extends z.ZodRawShape>(facts: Record<keyof S & string, KeyFacts>, shape: S) {
  const named = Object.entries(shape).map(([key, type]) => [
    key,
    (type as z.ZodType).meta({ description: facts[key as keyof S & string].description }),
  ]);
  return z.strictObject(Object.fromEntries(named) as S);
}
