/** Milliseconds for people: `0.3 s`, `53.2 s`, `1 min 05 s`, `2 h 03 min`. */
export function formatDuration(ms: number): string {
  const tenths = Math.round(Math.max(0, ms) / 100);
  return tenths < 600 ? `${(tenths / 10).toFixed(1)} s` : formatElapsed(ms);
}

/** As `formatDuration`, but in whole seconds below a minute: for what is repainted while it counts. */
export function formatElapsed(ms: number): string {
  const seconds = Math.round(Math.max(0, ms) / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${twoDigits(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
}

/** ISO 8601 for people, in the time zone of this machine: `2026-11-28 17:01`. */
export function formatMoment(iso: string): string {
  const at = new Date(iso);
  const [month, day, hours, minutes] = [at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes()].map(twoDigits);
  return `${at.getFullYear()}-${month}-${day} ${hours}:${minutes}`;
}

/** Bytes for people, in powers of 1000 as registries and disks count them: `812 B`, `126.7 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  let value = bytes;
  for (const unit of ['kB', 'MB', 'GB']) {
    value /= 1000;
    // 999.96 would be shown as 1000.0 of the smaller unit.
    if (value < 999.95) return `${value.toFixed(1)} ${unit}`;
  }
  return `${(value / 1000).toFixed(1)} TB`;
}

/** `1 layer`, `3 layers`, with a comma in thousands. */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}

/** argv as a line that can be pasted into a POSIX shell. */
export function shellWords(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
