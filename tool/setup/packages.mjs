// What the tool needs of the machine, for set-up and for `layers doctor`. Plain JavaScript without dependencies: it runs
// on the Node that a machine comes with, before anything is installed.
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

// Administrators' folders, which a plain user's PATH leaves out.
const EXTRA_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** An entry a need. `a|b`: one of them is enough. No names under a manager: not packaged there. */
export const packageTable = [
  {
    name: 'buildah',
    neededFor: 'every build',
    use: 'run',
    required: true,
    commands: ['buildah'],
    apt: ['buildah'],
    dnf: ['buildah'],
    zypper: ['buildah'],
  },
  {
    name: 'containers configuration',
    neededFor: 'pulling and pushing images',
    use: 'run',
    required: true,
    files: [
      '/etc/containers/policy.json|/usr/share/containers/policy.json',
      '/etc/containers/registries.conf|/usr/share/containers/registries.conf',
    ],
    apt: ['golang-github-containers-common', 'golang-github-containers-image'],
    dnf: ['containers-common'],
    zypper: ['libcontainers-common'],
  },
  {
    name: 'skopeo',
    neededFor: 'every build',
    use: 'run',
    required: true,
    commands: ['skopeo'],
    apt: ['skopeo'],
    dnf: ['skopeo'],
    zypper: ['skopeo'],
  },
  {
    name: 'OCI runtime',
    neededFor: 'OCI isolation (chroot isolation does without)',
    use: 'run',
    required: false,
    commands: ['crun|runc'],
    apt: ['crun'],
    dnf: ['crun'],
    zypper: ['crun'],
  },
  {
    name: 'fuse-overlayfs',
    neededFor: 'rootless builds on older kernels',
    use: 'run',
    required: false,
    commands: ['fuse-overlayfs'],
    apt: ['fuse-overlayfs'],
    dnf: ['fuse-overlayfs'],
    zypper: ['fuse-overlayfs'],
  },
  {
    name: 'newuidmap',
    neededFor: 'rootless builds',
    use: 'run',
    required: false,
    commands: ['newuidmap', 'newgidmap'],
    apt: ['uidmap'],
    dnf: ['shadow-utils'],
    zypper: ['shadow'],
  },
  {
    name: 'util-linux',
    neededFor: 'locks and mounts',
    use: 'run',
    required: true,
    commands: ['flock', 'mount', 'umount', 'unshare', 'setsid'],
    apt: ['util-linux', 'mount'],
    dnf: ['util-linux'],
    zypper: ['util-linux'],
  },
  {
    name: 'python3',
    neededFor: 'Ansible, and clearing up after dnf on the host',
    use: 'run',
    required: true,
    commands: ['python3'],
    apt: ['python3'],
    dnf: ['python3'],
    zypper: ['python3'],
  },
  {
    name: 'git',
    neededFor: 'tests of trees in git',
    use: 'tests',
    required: false,
    commands: ['git'],
    apt: ['git'],
    dnf: ['git-core'],
    zypper: ['git-core'],
  },
  {
    name: 'bzip2 and xz',
    neededFor: 'packed OVAL definitions (oval_eval)',
    use: 'run',
    required: false,
    commands: ['bzip2', 'xz', 'gzip'],
    apt: ['bzip2', 'xz-utils', 'gzip'],
    dnf: ['bzip2', 'xz', 'gzip'],
    zypper: ['bzip2', 'xz', 'gzip'],
  },
  {
    name: 'CA certificates',
    neededFor: 'HTTPS',
    use: 'run',
    required: true,
    files: ['/etc/ssl/certs/ca-certificates.crt|/etc/pki/tls/certs/ca-bundle.crt|/etc/ssl/ca-bundle.pem'],
    apt: ['ca-certificates'],
    dnf: ['ca-certificates'],
    zypper: ['ca-certificates-mozilla'],
  },
  {
    name: 'ansible-core',
    neededFor: 'Ansible layers',
    use: 'run',
    required: false,
    commands: ['ansible-playbook'],
    apt: ['ansible-core'],
    dnf: ['ansible-core'],
    zypper: ['ansible-core'],
  },
  {
    name: 'containers.podman',
    neededFor: "comparing with the collection's connection",
    use: 'tests',
    required: false,
    commands: ['ansible-community'],
    apt: ['ansible'],
    dnf: ['ansible-collection-containers-podman'],
    zypper: ['ansible'],
  },
  {
    name: 'mmdebstrap',
    neededFor: 'apt base layers',
    use: 'run',
    required: false,
    commands: ['mmdebstrap', 'apt-get'],
    apt: ['mmdebstrap'],
    dnf: ['mmdebstrap', 'apt'],
    zypper: [],
  },
  {
    name: 'arch-test',
    neededFor: 'apt base layers for another architecture than that of the machine',
    use: 'run',
    required: false,
    commands: ['arch-test'],
    apt: ['arch-test'],
    dnf: [],
    zypper: [],
  },
  {
    name: 'Debian keyring',
    neededFor: 'Debian base layers',
    use: 'run',
    required: false,
    files: ['/usr/share/keyrings/debian-archive-keyring.gpg'],
    apt: ['debian-archive-keyring'],
    dnf: ['debian-keyring'],
    zypper: [],
  },
  {
    name: 'gpg',
    neededFor: 'keys of package repositories',
    use: 'run',
    required: false,
    commands: ['gpg'],
    apt: ['gpg'],
    dnf: ['gnupg2'],
    zypper: ['gpg2'],
  },
  {
    name: 'dnf',
    neededFor: 'dnf base layers',
    use: 'run',
    required: false,
    commands: ['dnf'],
    apt: ['dnf'],
    dnf: ['dnf'],
    zypper: ['dnf'],
  },
  {
    name: 'zypper',
    neededFor: 'zypper base layers from scratch',
    use: 'run',
    required: false,
    commands: ['zypper'],
    apt: ['zypper'],
    // Debian lets only one of the two be there.
    aptRemoves: '/usr/share/doc/dnf-plugins-core',
    dnf: ['zypper'],
    zypper: ['zypper'],
  },
  {
    name: 'rpm',
    neededFor: 'dnf and zypper base layers',
    use: 'run',
    required: false,
    commands: ['rpm'],
    apt: ['rpm'],
    dnf: ['rpm'],
    zypper: ['rpm'],
  },
  {
    name: 'squashfs-tools',
    neededFor: 'publish_s3',
    use: 'run',
    required: false,
    commands: ['mksquashfs', 'unsquashfs'],
    apt: ['squashfs-tools'],
    dnf: ['squashfs-tools'],
    zypper: ['squashfs'],
  },
  {
    name: 'attr',
    neededFor: 'content digests of every build',
    use: 'run',
    required: true,
    commands: ['getfattr'],
    apt: ['attr'],
    dnf: ['attr'],
    zypper: ['attr'],
  },
  {
    name: 'zstd',
    neededFor: 'compressed layers',
    use: 'run',
    required: false,
    commands: ['zstd'],
    apt: ['zstd'],
    dnf: ['zstd'],
    zypper: ['zstd'],
  },
  {
    name: 'RPM repository tools',
    neededFor: 'tests of dnf and zypper layers',
    use: 'tests',
    required: false,
    commands: ['createrepo_c', 'modifyrepo_c', 'rpmbuild', 'file'],
    apt: ['createrepo-c', 'rpm', 'file'],
    dnf: ['createrepo_c', 'rpm-build', 'file'],
    zypper: ['createrepo_c', 'rpm-build', 'file'],
  },
  {
    name: 'docker-registry',
    neededFor: 'tests of registries',
    use: 'tests',
    required: false,
    commands: ['docker-registry|registry'],
    apt: ['docker-registry'],
    dnf: ['docker-distribution'],
    zypper: ['distribution-registry'],
  },
  {
    name: 'Ceph gateway',
    neededFor: 'tests of S3',
    use: 'tests',
    required: false,
    commands: ['radosgw', 'radosgw-admin', 'ceph-mon', 'ceph-osd', 'ceph', 'ceph-authtool', 'monmaptool'],
    apt: ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common'],
    dnf: ['ceph-radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common'],
    zypper: ['ceph-radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common'],
  },
  {
    name: 'podman',
    neededFor: 'tests of the container that builds images',
    use: 'tests',
    required: false,
    // Debian's crun does not start where cgroups of both versions are mounted; runc does.
    commands: ['podman', 'conmon', 'runc'],
    apt: ['podman', 'conmon', 'runc'],
    dnf: ['podman', 'conmon', 'runc'],
    zypper: ['podman', 'conmon', 'runc'],
  },
  {
    name: 'strace',
    neededFor: 'the test that no secret is in an argv',
    use: 'tests',
    required: false,
    commands: ['strace'],
    apt: ['strace'],
    dnf: ['strace'],
    zypper: ['strace'],
  },
  {
    name: 'setcap',
    neededFor: 'the test of capabilities in images',
    use: 'tests',
    required: false,
    commands: ['setcap'],
    apt: ['libcap2-bin'],
    dnf: ['libcap'],
    zypper: ['libcap-progs'],
  },
  {
    name: 'busybox',
    neededFor: 'small images that tests build',
    use: 'tests',
    required: false,
    files: ['/bin/busybox|/usr/bin/busybox'],
    apt: ['busybox-static'],
    dnf: ['busybox'],
    zypper: ['busybox-static'],
  },
  {
    name: 'gpg-agent',
    neededFor: 'signing packages in tests',
    use: 'tests',
    required: false,
    commands: ['gpg-agent'],
    apt: ['gpg-agent'],
    dnf: ['gnupg2'],
    zypper: ['gpg2'],
  },
  {
    name: 'tmux',
    neededFor: 'tests of the terminal view',
    use: 'tests',
    required: false,
    commands: ['tmux'],
    apt: ['tmux'],
    dnf: ['tmux'],
    zypper: ['tmux'],
  },
  {
    name: 'curl',
    neededFor: 'tests of servers',
    use: 'tests',
    required: false,
    commands: ['curl'],
    apt: ['curl'],
    dnf: ['curl'],
    zypper: ['curl'],
  },
  {
    name: 'procps',
    neededFor: 'tests of interruption',
    use: 'tests',
    required: false,
    commands: ['ps', 'pgrep'],
    apt: ['procps'],
    dnf: ['procps-ng'],
    zypper: ['procps'],
  },
];

/** The entries for `uses` that this machine lacks. Starts no process: milliseconds. */
export function missingEntries(uses, path = process.env.PATH ?? '') {
  const folders = [...path.split(delimiter).filter((folder) => folder.startsWith('/')), ...EXTRA_FOLDERS];
  const command = (name) => folders.some((folder) => isExecutable(join(folder, name)));
  const anyOf = (text, test) => text.split('|').some(test);
  return packageTable.filter(
    (entry) =>
      uses.includes(entry.use) &&
      !(
        (entry.commands ?? []).every((text) => anyOf(text, command)) &&
        (entry.files ?? []).every((text) => anyOf(text, existsSync))
      ),
  );
}

/** This machine's package manager: `apt`, `dnf` or `zypper`, null where it is none of them. */
export function packageManager() {
  // dnf and zypper can be installed on Debian, apt cannot be told from a file of dnf's: the order matters.
  if (existsSync('/etc/debian_version') && isExecutable('/usr/bin/apt-get')) return 'apt';
  if (isExecutable('/usr/bin/zypper')) return 'zypper';
  return isExecutable('/usr/bin/dnf') ? 'dnf' : null;
}

/** The argv that installs `entries` with `manager`; null when none of them is packaged there. */
export function installCommand(manager, entries) {
  const names = [...new Set(entries.flatMap((entry) => entry[manager]))];
  if (names.length === 0) return null;
  if (manager === 'apt') return ['apt-get', 'install', '--yes', '--no-install-recommends', ...names];
  if (manager === 'dnf') return ['dnf', 'install', '--assumeyes', ...names];
  return ['zypper', '--non-interactive', 'install', ...names];
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
