import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Exec } from '../../tool/src/system/command.ts';

interface ModularPackage {
  readonly name: string;
  readonly version: string;
  /** Stream of the module `lay-mod`. */
  readonly stream?: string;
  readonly provides?: string;
}

/**
 * Two streams of `lay-mod` for `platform:el9`, a release package for release 9, and a package of comps' environment; all unsigned
 * but for what `createRpmRepository` has.
 */
const PACKAGES: readonly ModularPackage[] = [
  { name: 'mod-a', version: '1.0', stream: 'one' },
  { name: 'mod-b', version: '1.0', stream: 'one' },
  { name: 'mod-a', version: '2.0', stream: 'two' },
  { name: 'lay-e', version: '1.0' },
  { name: 'lay-e', version: '2.0' },
  { name: 'lay-release', version: '9.4', provides: 'system-release = 9.4, system-release(releasever) = 9' },
];

const stream = (name: string, packages: readonly string[], profiles: string) => `---
document: modulemd
version: 2
data:
  name: lay-mod
  stream: "${name}"
  version: 1
  context: abc
  arch: x86_64
  summary: Of a test
  description: Of a test
  license: {module: [MIT]}
  dependencies: [{requires: {platform: [el9]}}]
  profiles: ${profiles}
  artifacts: {rpms: [${packages.map((one) => `"${one}.noarch"`).join(', ')}]}
`;
const MODULES = [
  stream('one', ['mod-a-0:1.0-1', 'mod-b-0:1.0-1'], '{common: {rpms: [mod-a]}, more: {rpms: [mod-a, mod-b]}}'),
  stream('two', ['mod-a-0:2.0-1'], '{common: {rpms: [mod-a]}}'),
].join('');

const COMPS = `<?xml version="1.0" encoding="UTF-8"?>
<comps>
<group><id>lay-extra</id><name>Lay Extra &amp; More</name><default>false</default><uservisible>true</uservisible>
<packagelist><packagereq type="mandatory">lay-e</packagereq></packagelist></group>
<environment><id>lay-environment</id><name>Lay Minimal Install</name>
<grouplist><groupid>lay-extra</groupid></grouplist></environment>
</comps>
`;

/** A repository with modules, groups and an environment, unsigned, in an empty folder that does not need to exist. */
export async function createModularRepository(folder: string, exec: Exec): Promise<string> {
  const [repository, specs] = ['repository', 'specs'].map((name) => path.join(folder, name)) as [string, string];
  for (const one of [repository, specs]) await mkdir(one, { recursive: true });
  for (const entry of PACKAGES) {
    const file = path.join(specs, `${entry.name}-${entry.version}.spec`);
    await writeFile(file, spec(entry));
    await exec('rpmbuild', ['-bb', '--define', `_topdir ${folder}`, '--define', `_rpmdir ${repository}`, file]);
  }
  const [comps, modules] = ['comps.xml', 'modules.yaml'].map((name) => path.join(folder, name)) as [string, string];
  await writeFile(comps, COMPS);
  await writeFile(modules, `${MODULES}...\n`);
  await exec('createrepo_c', ['--quiet', '--groupfile', comps, repository]);
  await exec('modifyrepo_c', ['--mdtype=modules', modules, path.join(repository, 'repodata')]);
  return repository;
}

function spec({ name, version, stream: of, provides }: ModularPackage): string {
  return `Name: ${name}
Version: ${version}
Release: 1
Summary: Test package
License: MIT
BuildArch: noarch
${of === undefined ? '' : `ModularityLabel: lay-mod:${of}:1:abc\n`}${provides === undefined ? '' : `Provides: ${provides}\n`}
%description
Of a test.
%install
mkdir -p %{buildroot}/usr/share/${name}
echo ${version} > %{buildroot}/usr/share/${name}/version
%files
/usr/share/${name}
`;
}
