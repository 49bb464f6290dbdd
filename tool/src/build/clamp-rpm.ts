import { chmod, lstat, lutimes, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { statInRoot } from './root-files.ts';

const DATABASES = ['var/lib/rpm/rpmdb.sqlite', 'usr/lib/sysimage/rpm/rpmdb.sqlite'] as const;
const HISTORY = 'var/lib/dnf/history.sqlite';
/** rpmtag.h: the time and the transaction of an installation, both seconds since 1970. */
const TAGS = new Set([1008, 1128]);
const TYPE_INT32 = 4;
/** Bytes. */
const INT32 = 4;

/**
 * rpm and dnf note when they installed what: times of this build (from `since`, milliseconds) become `date` (seconds). Only databases in
 * SQLite's format are known; what cannot be read is left as it is. `own`: as in `ownPart`.
 */
export async function clampRpmDates(
  root: string,
  own: string,
  { since, date }: { readonly since: number; readonly date: number },
): Promise<void> {
  const first = Math.floor(since / 1000);
  for (const name of DATABASES) await change(name, (database) => clampPackages(database, first, date));
  await change(HISTORY, (database) => {
    database.prepare('UPDATE trans SET dt_begin = ? WHERE dt_begin >= ?').run(date, first);
    database.prepare('UPDATE trans SET dt_end = ? WHERE dt_end >= ?').run(date, first);
  });

  async function change(name: string, work: (database: DatabaseSync) => void): Promise<void> {
    const stats = await statInRoot(own, name);
    if (stats === undefined || !stats.isFile() || stats.mtimeMs < since) return;
    const file = join(root, name);
    // SQLite removes these when the last one closes; rpm keeps them, as without them nobody can read on a read-only root.
    const kept = await beside(file);
    const folder = await statInRoot(own, dirname(name));
    const { DatabaseSync } = await import('node:sqlite');
    try {
      const database = new DatabaseSync(file);
      try {
        database.exec('BEGIN');
        work(database);
        // VACUUM, as the old value of a changed row stays in the file.
        database.exec('COMMIT; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)');
      } finally {
        database.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_SQLITE_ERROR') throw error;
    }
    for (const { path, data, mode } of kept) {
      if ((await lstat(path).catch(() => undefined)) !== undefined) continue;
      await writeFile(path, data, { flag: 'wx' });
      // Not by the umask.
      await chmod(path, mode);
      await lutimes(path, date, date);
    }
    // Times were read before: a folder that only this touches keeps its own.
    if (folder !== undefined) await lutimes(dirname(file), folder.atime, folder.mtime);
  }
}

async function beside(file: string): Promise<{ path: string; data: Buffer; mode: number }[]> {
  const kept: { path: string; data: Buffer; mode: number }[] = [];
  for (const path of [`${file}-wal`, `${file}-shm`]) {
    const stats = await lstat(path).catch(() => undefined);
    if (!stats?.isFile()) continue;
    // What a write-ahead log holds is in the database afterwards.
    const data = path.endsWith('-wal') ? Buffer.alloc(0) : await readFile(path);
    kept.push({ path, data, mode: stats.mode & 0o7777 });
  }
  return kept;
}

function clampPackages(database: DatabaseSync, first: number, date: number): void {
  const update = database.prepare('UPDATE Packages SET blob = ? WHERE hnum = ?');
  for (const { hnum, blob } of database.prepare('SELECT hnum, blob FROM Packages').all()) {
    const header = Buffer.from(blob as Uint8Array);
    if (clampHeader(header, first, date)) update.run(header, hnum as number);
  }
  // An index by transaction, whose keys are numbers as this machine stores them.
  const key = (seconds: number) => Buffer.from(new Uint32Array([seconds]).buffer);
  const rows = database.prepare('SELECT rowid AS row, key FROM Installtid').all();
  const move = database.prepare('UPDATE Installtid SET key = ? WHERE rowid = ?');
  for (const row of rows) {
    const at = Buffer.from(row.key as Uint8Array);
    if (at.length === INT32 && (new Uint32Array(Uint8Array.from(at).buffer)[0] ?? 0) >= first) {
      move.run(key(date), row.row as number);
    }
  }
}

/**
 * A header in the database: number of entries, bytes of data, entries of tag, type, offset and count, then the data; all
 * numbers 32 bits, big-endian. Both tags were added by the installation, outside the part that is signed.
 */
function clampHeader(header: Buffer, first: number, date: number): boolean {
  const entries = header.readUInt32BE(0);
  const data = 8 + entries * 16;
  let isChanged = false;
  for (let at = 8; at < data; at += 16) {
    if (!TAGS.has(header.readUInt32BE(at)) || header.readUInt32BE(at + 4) !== TYPE_INT32) continue;
    const place = data + header.readUInt32BE(at + 8);
    if (place + INT32 > header.length || header.readUInt32BE(place) < first) continue;
    header.writeUInt32BE(date, place);
    isChanged = true;
  }
  return isChanged;
}
