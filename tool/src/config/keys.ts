import type { KeyFacts } from './key-facts.ts';

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
