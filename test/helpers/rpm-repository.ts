import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Exec } from '../../tool/src/system/command.ts';

export interface RpmPackage {
  readonly name: string;
  /** Default 1.0. */
  readonly version?: string;
  readonly requires?: string;
  readonly recommends?: string;
  readonly provides?: string;
  readonly summary?: string;
  /** Shell lines that run after the installation. */
  readonly post?: string;
  /** A text that the user has to agree to. */
  readonly licence?: string;
}

/** A repository of empty packages, signed by a key of its own, with a group `lay-tools` of the package `lay-c`. */
export interface RpmRepository {
  readonly folder: string;
  /** The public key's file. */
  readonly key: string;
}

const PACKAGES: readonly RpmPackage[] = [
  { name: 'lay-a', requires: 'lay-b' },
  { name: 'lay-b' },
  { name: 'lay-c' },
  { name: 'lay-d' },
];

const GROUPS = `<?xml version="1.0" encoding="UTF-8"?>
<comps><group><id>lay-tools</id><name>Lay Tools</name><default>false</default><uservisible>true</uservisible>
<packagelist><packagereq type="mandatory">lay-c</packagereq></packagelist></group></comps>
`;

/** Builds it with rpmbuild, rpmsign and createrepo_c in an empty folder. `packages`: what it holds, if not the usual ones. */
export async function createRpmRepository(
  folder: string,
  exec: Exec,
  packages: readonly RpmPackage[] = PACKAGES,
): Promise<RpmRepository> {
  const [repository, home, specs] = ['repository', 'gnupg', 'specs'].map((name) => path.join(folder, name));
  for (const one of [repository!, specs!]) await mkdir(one, { recursive: true });
  await mkdir(home!, { mode: 0o700 });
  for (const entry of packages) {
    const file = path.join(specs!, `${entry.name}.spec`);
    await writeFile(file, spec(entry));
    await exec('rpmbuild', ['-bb', '--define', `_topdir ${folder}`, '--define', `_rpmdir ${repository}`, file]);
  }
  const gpg = (...args: string[]) => exec('gpg', ['--homedir', home!, '--batch', ...args]);
  await gpg('--passphrase', '', '--quick-generate-key', 'layers-test', 'rsa2048', 'sign', 'never');
  const key = path.join(folder, 'key.asc');
  await writeFile(key, (await gpg('--armor', '--export', 'layers-test')).stdout);
  const files = packages.map((entry) => path.join(repository!, 'noarch', fileOf(entry)));
  // Debian's rpm calls gpg2, which its gnupg does not bring.
  const defines = [`_gpg_path ${home}`, '_gpg_name layers-test', '__gpg /usr/bin/gpg'];
  await exec('rpmsign', [...defines.flatMap((define) => ['--define', define]), '--addsign', ...files]);
  const groups = path.join(folder, 'comps.xml');
  await writeFile(groups, GROUPS);
  await exec('createrepo_c', ['--quiet', '--groupfile', groups, repository!]);
  if (packages.some(({ licence }) => licence !== undefined)) await addLicences(packages, repository!, folder, exec);
  return { folder: repository!, key };
}

function fileOf({ name, version = '1.0' }: RpmPackage): string {
  return `${name}-${version}-1.noarch.rpm`;
}

/** As SUSE's repositories have them: in a file beside the list of packages, which belong together by their checksums. */
async function addLicences(
  packages: readonly RpmPackage[],
  repository: string,
  folder: string,
  exec: Exec,
): Promise<void> {
  const entries: string[] = [];
  for (const entry of packages) {
    if (entry.licence === undefined) continue;
    const sum = (await exec('sha256sum', [path.join(repository, 'noarch', fileOf(entry))])).stdout.split(' ')[0];
    entries.push(
      `<package pkgid="${sum}" name="${entry.name}" arch="noarch"><version epoch="0" ver="${entry.version ?? '1.0'}" rel="1"/><eula>${entry.licence}</eula></package>`,
    );
  }
  const file = path.join(folder, 'susedata.xml');
  const top = `<susedata xmlns="http://linux.duke.edu/metadata/susedata" packages="${entries.length}">`;
  await writeFile(file, `<?xml version="1.0" encoding="UTF-8"?>\n${top}${entries.join('')}</susedata>\n`);
  await exec('modifyrepo_c', ['--mdtype=susedata', file, path.join(repository, 'repodata')]);
}

function spec({ name, version = '1.0', requires, recommends, provides, summary, post }: RpmPackage): string {
  const tags = { Requires: requires, Recommends: recommends, Provides: provides };
  const lines = Object.entries(tags).flatMap(([tag, value]) => (value === undefined ? [] : [`${tag}: ${value}\n`]));
  return `Name: ${name}
Version: ${version}
Release: 1
Summary: ${summary ?? 'Test package'}
License: MIT
BuildArch: noarch
${lines.join('')}
%description
Of a test.
${post === undefined ? '' : `%post\n${post}\n`}%install
mkdir -p %{buildroot}/usr/share/${name}
echo ${name} > %{buildroot}/usr/share/${name}/file
%files
/usr/share/${name}
`;
}
