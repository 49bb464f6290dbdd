import { cp, lstat, mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CommandFailure, type Exec } from '../system/command.ts';
import { dnfHistory } from './dnf-history.ts';
import { statInRoot } from './root-files.ts';

/** The database's bytes differ between equal installations; this is what it says. */
export interface RpmDatabase {
  /** Sorted lines: name, version, architecture of each package, and what dnf's history says about it. Empty without rpm. */
  readonly canonical: readonly string[];
  /** True for files whose content `canonical` stands for. */
  covers(path: string): boolean;
}

const PLACES = ['var/lib/rpm', 'usr/lib/sysimage/rpm'] as const;
const DATABASES = ['rpmdb.sqlite', 'Packages', 'Packages.db'] as const;
const HISTORY = 'var/lib/dnf/history.sqlite';

/**
 * Reads the rpm database of a mounted root from a copy, since rpm leaves lock files where it reads. Where this machine's rpm cannot
 * read the format, the files count as they are: such an image is cut off less often, never wrongly.
 */
export async function rpmDatabase(options: {
  readonly root: string;
  readonly temporary: string;
  readonly exec: Exec;
}): Promise<RpmDatabase> {
  const none: RpmDatabase = { canonical: [], covers: () => false };
  const place = await placeIn(options.root);
  if (place === undefined) return none;
  const copy = join(options.temporary, 'rpm-database');
  await rm(copy, { recursive: true, force: true });
  await copyFiles(join(options.root, place), copy);
  try {
    const format = '%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH} %{SIGMD5}\\n';
    const { stdout } = await options.exec('rpm', ['--dbpath', copy, '-qa', '--qf', format], { quiet: true });
    const packages = stdout.split('\n').filter(Boolean).sort();
    if (packages.length === 0) return none;
    const history = await historyIn(options.root, join(copy, 'dnf'));
    const covers = (path: string) =>
      path.startsWith(`${place}/`) || (history !== undefined && path.startsWith(HISTORY));
    return { canonical: [...packages, ...(history ?? [])], covers };
  } catch (error) {
    if (error instanceof CommandFailure) return none;
    throw error;
  }
}

/** Of the two places one is often a link to the other, and a link may lead out of the root: only a real folder is taken. */
async function placeIn(root: string): Promise<string | undefined> {
  for (const place of PLACES) {
    for (const name of DATABASES) if ((await statInRoot(root, `${place}/${name}`))?.isFile()) return place;
  }
  return undefined;
}

async function historyIn(root: string, copy: string): Promise<string[] | undefined> {
  if (!(await statInRoot(root, HISTORY))?.isFile()) return undefined;
  await copyFiles(join(root, dirname(HISTORY)), copy);
  return dnfHistory(join(copy, basename(HISTORY)));
}

/** Without links, by which rpm would read the host's files. */
async function copyFiles(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const filter = async (file: string) => {
    const stats = await lstat(file);
    return stats.isFile() || stats.isDirectory();
  };
  await cp(from, to, { recursive: true, filter });
}
