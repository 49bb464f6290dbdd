import type { ContainerStorage } from './container-storage.ts';

/** `name-version` of each package, keys as `gpg-pubkey`, as the rpm of the host sees the database of a mounted root. */
export async function installedRpms(
  root: string,
  { exec }: ContainerStorage,
  database = '/var/lib/rpm',
): Promise<string[]> {
  const format = '%{NAME}-%{VERSION}\n';
  const { stdout } = await exec('rpm', ['--root', root, '--dbpath', database, '-qa', '--queryformat', format]);
  return stdout
    .split('\n')
    .filter((name) => name !== '')
    .map((name) => (name.startsWith('gpg-pubkey') ? 'gpg-pubkey' : name))
    .toSorted();
}
