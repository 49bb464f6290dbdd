import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Exec } from '../../tool/src/system/command.ts';

interface RpmPackage {
  readonly name: string;
  readonly requires?: string;
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

/** Builds it with rpmbuild, rpmsign and createrepo_c in an empty folder. */
export async function createRpmRepository(folder: string, exec: Exec): Promise<RpmRepository> {
  const [repository, home, specs] = ['repository', 'gnupg', 'specs'].map((name) => path.join(folder, name));
  for (const one of [repository!, specs!]) await mkdir(one, { recursive: true });
  await mkdir(home!, { mode: 0o700 });
  for (const entry of PACKAGES) {
    const file = path.join(specs!, `${entry.name}.spec`);
    await writeFile(file, spec(entry));
    await exec('rpmbuild', ['-bb', '--define', `_topdir ${folder}`, '--define', `_rpmdir ${repository}`, file]);
  }
  const gpg = (...args: string[]) => exec('gpg', ['--homedir', home!, '--batch', ...args]);
  await gpg('--passphrase', '', '--quick-generate-key', 'layers-test', 'rsa2048', 'sign', 'never');
  const key = path.join(folder, 'key.asc');
  await writeFile(key, (await gpg('--armor', '--export', 'layers-test')).stdout);
  const files = PACKAGES.map(({ name }) => path.join(repository!, 'noarch', `${name}-1.0-1.noarch.rpm`));
  // Debian's rpm calls gpg2, which its gnupg does not bring.
  const defines = [`_gpg_path ${home}`, '_gpg_name layers-test', '__gpg /usr/bin/gpg'];
  await exec('rpmsign', [...defines.flatMap((define) => ['--define', define]), '--addsign', ...files]);
  const groups = path.join(folder, 'comps.xml');
  await writeFile(groups, GROUPS);
  await exec('createrepo_c', ['--quiet', '--groupfile', groups, repository!]);
  return { folder: repository!, key };
}

function spec({ name, requires }: RpmPackage): string {
  return `Name: ${name}
Version: 1.0
Release: 1
Summary: Test package
License: MIT
BuildArch: noarch
${requires === undefined ? '' : `Requires: ${requires}\n`}
%description
Of a test.
%install
mkdir -p %{buildroot}/usr/share/${name}
echo ${name} > %{buildroot}/usr/share/${name}/file
%files
/usr/share/${name}
`;
}
