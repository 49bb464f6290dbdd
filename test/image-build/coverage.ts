import type { KeyFacts } from '../../tool/src/config/key-facts.ts';
import { COMMAND_KEYS, COPYFILE_KEYS, OPENSCAP_KEYS, REPO_KEYS, TOP_KEYS } from '../../tool/src/config/keys.ts';
import { OPTION_KEYS } from '../../tool/src/config/option-keys.ts';
import type { Shown } from './shown-by.ts';

/** A real build, push or scan; or, where that is impossible here, the exact argv or the reading of it. */
interface Coverage {
  readonly by: 'real' | 'argv' | 'reading';
  readonly shown: Shown;
}

const real = (...shown: Shown): Coverage => ({ by: 'real', shown });
const ROOT = real('e2e/build-dnf', 'a root from nothing: packages, groups, removal, keys, and nothing of the builder');
const PLAYBOOK = real(
  'e2e/build-ansible',
  'a playbook from the host, the image named as the layer says, with all variables of the inventories',
);
const OBJECTS = real('e2e/image-build', 'the objects in S3 are those of the contract, under every tag');
const FLAGS = real('e2e/image-build', 'flags beat the file, and what image-build takes is taken with one warning each');
const SCAN = real(
  'e2e/openscap',
  'a rule that fails is a result: in the image, beside the log, with a script that repairs it',
);
const OVAL = real('e2e/openscap', 'OVAL definitions are loaded, packed as they may be, and evaluated');
/** Its title is a template. */
const GOLDEN: Coverage = {
  by: 'argv',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: as the test file has it
  shown: ['build/golden', 'the step version ${version} of ${name} stands for exactly these commands'],
};

/** The keys of the contract's tables, each with the test that exercises it. */
export const COVERAGE: Readonly<Record<string, Coverage>> = {
  'options.layer_type': PLAYBOOK,
  'options.name': FLAGS,
  'options.parent': real(
    'e2e/image-build',
    'a parent in a registry is asked for each time, and what was pulled of it goes again',
  ),
  'options.pkg_manager': ROOT,
  'options.gpgcheck': real('e2e/build-dnf', 'keys are asked for as gpgcheck says'),
  'options.proxy': GOLDEN,
  'options.publish_local': real('e2e/publish-registry', 'local storage: every tag names the image'),
  'options.publish_registry': real('e2e/publish-registry', 'three tags are one upload and one digest'),
  'options.registry_opts_push': real(
    'e2e/publish-registry-secure',
    '--cert-dir, --authfile, --creds and --tls-verify=false',
  ),
  'options.registry_opts_pull': real(
    'e2e/image-build',
    'a parent in a registry is asked for each time, and what was pulled of it goes again',
  ),
  'options.publish_s3': OBJECTS,
  'options.s3_prefix': OBJECTS,
  'options.s3_bucket': OBJECTS,
  'options.publish_tags': OBJECTS,
  'options.groups': PLAYBOOK,
  'options.playbooks': PLAYBOOK,
  'options.inventory': PLAYBOOK,
  'options.vars': PLAYBOOK,
  'options.ansible_verbosity': GOLDEN,
  'options.install_scap': real(
    'e2e/openscap',
    'install_scap: the scanner and the benchmarks of the distribution, by its own package manager',
  ),
  'options.scap_benchmark': SCAN,
  'options.oval_eval': OVAL,
  'options.labels': {
    by: 'argv',
    shown: ['publish/registry', 'one push; every tag gets the same manifest with annotations, and exactly the labels'],
  },
  'options.log_level': real('e2e/image-build', 'the log level holds from the first line'),
  'options.force_installroot': real(
    'e2e/build-dnf-modules',
    'every module command has its own list, from scratch and again with the host over a parent',
  ),
  'options.dnf_options': GOLDEN,
  'options.architectures': real('e2e/architectures', 'image-build builds every architecture into one list'),
  repos: ROOT,
  exclusive_repos: GOLDEN,
  modules: real(
    'e2e/build-dnf-modules',
    'every module command has its own list, from scratch and again with the host over a parent',
  ),
  package_groups: real(
    'e2e/build-dnf-modules',
    'groups and environments by name and by id, with signs that a shell would mind',
  ),
  packages: ROOT,
  remove_packages: ROOT,
  copyfiles: FLAGS,
  cmds: FLAGS,
  openscap: SCAN,
  'repos.alias': ROOT,
  'repos.url': ROOT,
  'repos.gpg': ROOT,
  'repos.priority': real('e2e/build-zypper', 'the priority decides between two repositories, unset and set'),
  'repos.config': GOLDEN,
  'repos.apt_dist': GOLDEN,
  'repos.apt_comp': GOLDEN,
  'copyfiles.src': FLAGS,
  'copyfiles.dest': FLAGS,
  'copyfiles.opts': FLAGS,
  'cmds.cmd': FLAGS,
  'cmds.loglevel': real('e2e/build-apt', 'the output of a command shows from its loglevel on'),
  'cmds.buildah_extra_args': GOLDEN,
  'openscap.profile': SCAN,
  'openscap.benchmark_path': SCAN,
  'openscap.results_path': SCAN,
  'openscap.remediate_path': SCAN,
  'openscap.oval_url': OVAL,
  'openscap.oval_xml': OVAL,
  'openscap.oval_path': OVAL,
};

const LEVELS: Readonly<Record<string, Readonly<Record<string, KeyFacts>>>> = {
  'options.': OPTION_KEYS,
  '': TOP_KEYS,
  'repos.': REPO_KEYS,
  'copyfiles.': COPYFILE_KEYS,
  'cmds.': COMMAND_KEYS,
  'openscap.': OPENSCAP_KEYS,
};

/** Every key of the contract in the order of the schema: those with a flag, and those that are listed above. */
export function contractKeys(): { readonly key: string; readonly facts: KeyFacts }[] {
  return Object.entries(LEVELS).flatMap(([level, keys]) =>
    Object.entries(keys)
      .map(([name, facts]) => ({ key: level + name, facts }))
      .filter(({ key, facts }) => facts.flag !== undefined || COVERAGE[key] !== undefined),
  );
}

const HOW = { real: 'really done', argv: 'exact commands', reading: 'read only' };

/** The table of docs/image-build.md. */
export function coverageTable(): string {
  const rows = contractKeys().map(({ key, facts }) => {
    const { by, shown } = COVERAGE[key] ?? { by: 'reading', shown: ['?'] };
    const counts = facts.counts === 'neither' ? '–' : facts.counts;
    const ansible = facts.ansibleCounts === undefined ? '' : `; ${facts.ansibleCounts} for Ansible`;
    return [
      facts.flag === undefined ? '' : `\`${facts.flag}\``,
      `\`${key}\``,
      counts + ansible,
      HOW[by],
      `\`${shown[0]}\``,
    ];
  });
  const cells = [['flag', 'key', 'counts', 'tested', 'by `test/….test.ts`'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  return [lines[0], `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...lines.slice(1)].join('\n');
}
