import { cp, mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CommandFailure, type Exec } from '../system/command.ts';

/** The database's bytes differ between equal installations; this is what it says. */
export interface RpmDatabase {
  /** Sorted lines: name, version, architecture of each package, and why dnf installed it. Empty without rpm. */
  readonly canonical: readonly string[];
  /** True for files whose content `canonical` stands for. */
  covers(path: string): boolean;
}

const PLACES = ['var/lib/rpm', 'usr/lib/sysimage/rpm'] as const;
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
  for (const place of PLACES) {
    const names = await readdir(join(options.root, place)).catch(() => []);
    if (!names.some((name) => /^(rpmdb\.sqlite|Packages(\.db)?)$/.test(name))) continue;
    const copy = join(options.temporary, 'rpm-database');
    await mkdir(copy, { recursive: true });
    await cp(join(options.root, place), copy, { recursive: true, verbatimSymlinks: true });
    try {
      const format = '%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH} %{SIGMD5}\\n';
      const { stdout } = await options.exec('rpm', ['--dbpath', copy, '-qa', '--qf', format], { quiet: true });
      const packages = stdout.split('\n').filter(Boolean).sort();
      if (packages.length === 0) return none;
      await cp(join(options.root, HISTORY, '..'), join(copy, 'dnf'), { recursive: true, verbatimSymlinks: true }).catch(
        () => {},
      );
      const reasons = await installReasons(join(copy, 'dnf', basename(HISTORY)));
      const covered = (path: string) =>
        path.startsWith(`${place}/`) || (reasons !== undefined && path.startsWith('var/lib/dnf/history.sqlite'));
      return { canonical: [...packages, ...(reasons ?? [])], covers: covered };
    } catch (error) {
      if (error instanceof CommandFailure) return none;
      throw error;
    }
  }
  return none;
}

/** dnf's last word on each package: `reason NAME ARCH N`. Undefined where there is no history that can be read. */
async function installReasons(file: string): Promise<string[] | undefined> {
  const { DatabaseSync } = await import('node:sqlite');
  try {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      const rows = database
        .prepare(
          `SELECT rpm.name, rpm.arch, item.reason FROM trans_item AS item JOIN rpm ON rpm.item_id = item.item_id
           ORDER BY item.trans_id, item.id`,
        )
        .all();
      const last = new Map(rows.map((row) => [`reason ${row.name} ${row.arch}`, row.reason]));
      return [...last].map(([name, reason]) => `${name} ${reason}`).sort();
    } finally {
      database.close();
    }
  } catch {
    return undefined;
  }
}
