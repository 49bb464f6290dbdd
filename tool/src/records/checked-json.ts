import { createHash } from 'node:crypto';

/** JSON below its own checksum: a file that was cut off or changed is never believed. */
export function encodeChecked(value: unknown): string {
  const body = JSON.stringify(value);
  return `${checksum(body)}\n${body}\n`;
}

/** Undefined where the checksum does not fit. */
export function decodeChecked(text: string): unknown {
  const end = text.indexOf('\n');
  const body = text.slice(end + 1).replace(/\n$/, '');
  return end < 0 || text.slice(0, end) !== checksum(body) ? undefined : JSON.parse(body);
}

function checksum(body: string): string {
  return createHash('sha256').update(body).digest('hex');
}
