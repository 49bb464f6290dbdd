import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { statInRoot } from './root-files.ts';

const FILES = ['etc/shadow', 'etc/shadow-'];
const DAY = 24 * 60 * 60;
/** What login.defs calls "never". */
const NEVER = 99_999;

/**
 * Accounts that a build makes, its packages' too, get the day of the build as the day of their last password change: it becomes the
 * day of `date` (seconds). Only days of this build are touched, and no account whose password expires, as the time that
 * is left would be another. `own`: as in `ownPart`; `since` in milliseconds.
 */
export async function clampPasswordDates(
  root: string,
  own: string,
  { since, date }: { readonly since: number; readonly date: number },
): Promise<void> {
  const days = { first: dayOf(since / 1000), last: dayOf(Date.now() / 1000), instead: dayOf(date) };
  for (const name of FILES) {
    const stats = await statInRoot(own, name);
    if (stats === undefined || !stats.isFile() || stats.mtimeMs < since) continue;
    const handle = await open(join(root, name), constants.O_RDWR | constants.O_NOFOLLOW);
    try {
      const text = await handle.readFile('latin1');
      const clamped = withDays(text, days);
      if (clamped === text) continue;
      await handle.truncate(0);
      await handle.write(clamped, 0, 'latin1');
    } finally {
      await handle.close();
    }
  }
}

/** shadow(5): name, password, day of the last change, minimum, maximum, … */
export function withDays(
  text: string,
  { first, last, instead }: { readonly first: number; readonly last: number; readonly instead: number },
): string {
  const lines = text.split('\n').map((line) => {
    const fields = line.split(':');
    const [, , changed = '', , most = ''] = fields;
    const isOfThisBuild = /^\d+$/.test(changed) && Number(changed) >= first && Number(changed) <= last;
    const expires = most !== '' && Number(most) < NEVER;
    if (!isOfThisBuild || expires) return line;
    fields[2] = String(instead);
    return fields.join(':');
  });
  return lines.join('\n');
}

function dayOf(seconds: number): number {
  return Math.floor(seconds / DAY);
}
