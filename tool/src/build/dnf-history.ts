/**
 * What dnf's history says about what is installed, as sorted lines: why each package is, and which groups and environments
 * with what of theirs (a later `group remove` takes that). Undefined where there is no history that can be read.
 */
export async function dnfHistory(file: string): Promise<string[] | undefined> {
  const { DatabaseSync } = await import('node:sqlite');
  try {
    const database = new DatabaseSync(file, { readOnly: true });
    try {
      return QUERIES.flatMap(({ kind, items, members }) => {
        const lastOf = new Map(
          database
            .prepare(items)
            .all()
            .map((row) => [String(row.what), row]),
        );
        const lines = [...lastOf].map(([what, { item, said }]) => {
          const rows = members === undefined ? [] : database.prepare(members).all(item as number);
          return [kind, what, said, ...rows.map(({ member }) => member)].join(' ');
        });
        return lines.sort();
      });
    } finally {
      database.close();
    }
  } catch {
    return undefined;
  }
}

/** The last row of one `what` counts. An item's numbers depend on how often something was done, and are no part of a line. */
const QUERIES: readonly { readonly kind: string; readonly items: string; readonly members?: string }[] = [
  {
    kind: 'reason',
    items: `SELECT rpm.name || ' ' || rpm.arch AS what, rpm.item_id AS item, done.reason AS said
      FROM trans_item AS done JOIN rpm USING (item_id) ORDER BY done.trans_id, done.id`,
  },
  {
    kind: 'group',
    // Removing it is an action too.
    items: `SELECT groupid AS what, item_id AS item, done.action || ' ' || done.reason || ' ' || pkg_types AS said
      FROM trans_item AS done JOIN comps_group USING (item_id) ORDER BY done.trans_id, done.id`,
    members: `SELECT name || ':' || installed || ':' || pkg_type AS member FROM comps_group_package
      WHERE group_id = ? ORDER BY name`,
  },
  {
    kind: 'environment',
    items: `SELECT environmentid AS what, item_id AS item, done.action || ' ' || done.reason || ' ' || pkg_types AS said
      FROM trans_item AS done JOIN comps_environment USING (item_id) ORDER BY done.trans_id, done.id`,
    members: `SELECT groupid || ':' || installed || ':' || group_type AS member FROM comps_environment_group
      WHERE environment_id = ? ORDER BY groupid`,
  },
];

/** Replaces the command lines of transactions that hold `place` by `words`, so that nothing of the old ones is left in the file. */
export async function renameCommands(file: string, place: string, words: string): Promise<void> {
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(file);
  try {
    database.prepare('UPDATE trans SET cmdline = ? WHERE instr(cmdline, ?)').run(words, place);
    // A changed row's old text stays where it was.
    database.exec('VACUUM');
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    database.close();
  }
}
