import type { Layer } from '../config/layer.ts';

/** A tool of this machine whose version changes what it makes. */
export interface CountedTool {
  /** As recipes call it. */
  readonly name: string;
  /** How many numbers of its version stand for the results: `2` of `2.14.18` is `2.14`. */
  readonly major: 1 | 2;
  /** Counted only where the layer asks for `exact`. */
  readonly onlyExact?: boolean;
  /** Its package, where versions are the package database's; undefined: the file system beside ansible-playbook tells. */
  readonly package?: string;
}

/** Templates and modules change with ansible-core's minor releases; Jinja keeps to its major ones. */
const ANSIBLE: readonly CountedTool[] = [
  { name: 'ansible-core', major: 2 },
  { name: 'jinja2', major: 1, onlyExact: true },
  { name: 'python', major: 2, onlyExact: true },
];

/** apt's resolver changes with its minor releases. What the packages are is the repositories' part. */
const APT_BOOTSTRAP: readonly CountedTool[] = [
  { name: 'mmdebstrap', major: 1, package: 'mmdebstrap' },
  { name: 'apt', major: 2, package: 'apt' },
];
const RPM: CountedTool = { name: 'rpm', major: 1, package: 'rpm' };
const DNF_ON_HOST: readonly CountedTool[] = [{ name: 'dnf', major: 1, package: 'dnf' }, RPM];
const ZYPPER_ON_HOST: readonly CountedTool[] = [{ name: 'zypper', major: 1, package: 'zypper' }, RPM];

/** The tools that count for a layer. Inside a container the image's own manager works, which is part of the parent. */
export function countedTools({ options }: Layer): readonly CountedTool[] {
  if (options.tool_versions === 'ignore') return [];
  const isExact = options.tool_versions === 'exact';
  return toolsOf(options).filter((tool) => isExact || tool.onlyExact !== true);
}

function toolsOf(options: Layer['options']): readonly CountedTool[] {
  if (options.layer_type === 'ansible') return ANSIBLE;
  if (options.parent !== 'scratch' && !options.force_installroot) return [];
  switch (options.pkg_manager) {
    case 'apt':
      return options.parent === 'scratch' ? APT_BOOTSTRAP : [];
    case 'zypper':
      return ZYPPER_ON_HOST;
    default:
      return DNF_ON_HOST;
  }
}

/** The part of a version that counts: `2:1.3.5-1+deb12u1` cut to one number is `1`. */
export function cutVersion(version: string, numbers: 1 | 2): string {
  const [, upstream = version] = /^(?:\d+:)?(.*?)(?:-[^-]*)?$/s.exec(version) ?? [];
  const [cut = upstream] = new RegExp(`^\\d+(?:\\.\\d+){0,${numbers - 1}}`).exec(upstream) ?? [];
  return cut;
}
