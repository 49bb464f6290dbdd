import { posix } from 'node:path';

/**
 * Files below these folders count by name, type, mode and owner, but not by content: it differs between two builds of one recipe,
 * and nothing that is installed reads it to decide anything. `docs/content-digest.md` tells users; the list is closed.
 */
const CONTENT_LEFT_OUT = ['var/log', 'var/cache', 'var/lib/apt/lists', 'var/lib/systemd/catalog'] as const;

/** Single files that count by name only: backups of databases that themselves count, and seeds. */
const FILES_LEFT_OUT = [
  'var/lib/dpkg/status-old',
  'var/lib/dpkg/diversions-old',
  'var/lib/dpkg/statoverride-old',
  'var/lib/systemd/random-seed',
  'etc/passwd-',
  'etc/shadow-',
  'etc/group-',
  'etc/gshadow-',
  'etc/subuid-',
  'etc/subgid-',
] as const;

/** Inside a folder above and counted all the same: answers, preseeded ones too, by which a child's packages are configured. */
const COUNTED_ALL_THE_SAME = [
  'var/cache/debconf/config.dat',
  'var/cache/debconf/passwords.dat',
  'var/cache/debconf/templates.dat',
] as const;

const files: ReadonlySet<string> = new Set(FILES_LEFT_OUT);
const counted: ReadonlySet<string> = new Set(COUNTED_ALL_THE_SAME);
const folders = CONTENT_LEFT_OUT.map((folder) => `${folder}/`);

/** Whether the content of the file at `path` (relative to the root, no leading slash) is part of a content digest. */
export function contentCounts(path: string): boolean {
  return counted.has(path) || !(files.has(path) || folders.some((folder) => path.startsWith(folder)));
}

/** Whether what is copied to `dest` (a file, or a folder into which it goes) may come to lie where content is left out. */
export function mayHoldLeftOut(dest: string): boolean {
  const place = posix.join('/', dest, '/');
  return [...CONTENT_LEFT_OUT, ...FILES_LEFT_OUT].some((path) => {
    const leftOut = `/${path}/`;
    return leftOut.startsWith(place) || place.startsWith(leftOut);
  });
}

/** A generated id counts as "there is one"; an empty file or `uninitialized` decides how systemd boots and counts as it is. */
export function isMachineId(path: string, content: Buffer): boolean {
  return (
    (path === 'etc/machine-id' || path === 'var/lib/dbus/machine-id') &&
    /^[0-9a-f]{32}\n?$/.test(content.toString('latin1'))
  );
}
