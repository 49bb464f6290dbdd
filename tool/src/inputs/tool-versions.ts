import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import type { Layer } from '../config/layer.ts';
import { installedAnsible } from './ansible-machine.ts';
import type { InputPlaces } from './layer-inputs.ts';
import { countedTools, cutVersion } from './tool-table.ts';
import type { TreeView } from './tree-view.ts';

const DPKG_STATUS = '/var/lib/dpkg/status';
/** rpm's database, where systems keep it; any of its files changes with what is installed. */
const RPM_DATABASES = [
  '/usr/lib/sysimage/rpm/rpmdb.sqlite',
  '/var/lib/rpm/rpmdb.sqlite',
  '/var/lib/rpm/Packages',
  '/var/lib/rpm/Packages.db',
];
const LIMIT_MS = 20_000;

/** Versions of the tools that count for a layer, cut as its `tool_versions` says; a tool that is not installed is absent. */
export async function toolVersions(layer: Layer, places: InputPlaces): Promise<Readonly<Record<string, string>>> {
  const tools = countedTools(layer);
  if (tools.length === 0) return {};
  const { digester, env } = places;
  const isExact = layer.options.tool_versions === 'exact';
  const isOfAnsible = layer.options.layer_type === 'ansible';
  const whole = isOfAnsible
    ? await digester.scans.scan(`ansible ${env.PATH} ${env.HOME}`, async (view) => ansibleVersions(view, env))
    : await digester.scans.scan('packages', (view) => packageVersions(view, places));
  const found: [string, string][] = [];
  for (const { name, major, package: packageName } of tools) {
    const version = whole[packageName ?? name];
    if (version !== undefined) found.push([name, isExact ? version : cutVersion(version, major)]);
  }
  return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function ansibleVersions(view: TreeView, env: InputPlaces['env']): Record<string, string> {
  const ansible = installedAnsible(view, { ...env, HOME: env.HOME ?? homedir() });
  if (ansible === undefined) return {};
  const python = ansible.python === undefined ? undefined : /python(\d+\.\d+)$/.exec(realOrSame(ansible.python))?.[1];
  return {
    'ansible-core': ansible.core,
    ...(ansible.jinja !== undefined && { jinja2: ansible.jinja }),
    ...(python !== undefined && { python }),
  };
}

const PACKAGES = ['mmdebstrap', 'apt', 'dnf', 'rpm', 'zypper'];

/** From dpkg's status file, else by asking rpm; remembered until the database changes. */
async function packageVersions(view: TreeView, { env, exec }: InputPlaces): Promise<Record<string, string>> {
  const status = view.kind(DPKG_STATUS) === 'file' ? view.text(DPKG_STATUS) : undefined;
  if (status !== undefined) return versionsInStatus(status);
  const database = RPM_DATABASES.find((file) => view.kind(file) === 'file');
  if (database === undefined) return {};
  // Looked at, so that the answer holds until it is written.
  const run = exec ?? (await import('../system/exec.ts')).createExec({ env });
  const args = ['-q', '--queryformat', '%{NAME} %{VERSION}-%{RELEASE}\\n', ...PACKAGES];
  const { stdout } = await run('rpm', args, { quiet: true, totalMs: LIMIT_MS, accept: [0, 1, 2, 3, 4, 5] });
  const lines = stdout.split('\n').map((line) => line.split(' '));
  return Object.fromEntries(lines.filter(([name = '', ...rest]) => PACKAGES.includes(name) && rest.length === 1));
}

/** Paragraphs of dpkg's status: `Package:`, `Status:`, `Version:`. */
function versionsInStatus(status: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of PACKAGES) {
    const start = status.startsWith(`Package: ${name}\n`) ? 0 : status.indexOf(`\nPackage: ${name}\n`);
    if (start < 0) continue;
    const end = status.indexOf('\n\n', start + 1);
    const paragraph = status.slice(start, end < 0 ? undefined : end);
    const [, version] = /^Version: (\S+)$/m.exec(paragraph) ?? [];
    if (version !== undefined && / installed$/m.test(/^Status: .*$/m.exec(paragraph)?.[0] ?? '')) found[name] = version;
  }
  return found;
}

function realOrSame(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
