import { fromBytes, printable } from '../inputs/names.ts';
import type { AnsibleTrace } from './builder.ts';

/** Why what `tool/ansible/trace/layers_trace.py` wrote cannot be believed. */
export interface TraceDefect {
  readonly defect: string;
}

/** Written first by that file; another number is another format. */
const VERSION = 'V2';
/** What stands behind a name in a listing (`inputs/listing.ts`). */
const MARKS: Readonly<Record<string, string>> = { f: '', d: '/', l: '@' };

/** Reads the records of one playbook run, each ended by NUL. Paths are as `printable` shows them. */
export function readTrace(bytes: Buffer): AnsibleTrace | TraceDefect {
  const seen = new Map(['R', 'P', 'A', 'L', 'W'].map((kind) => [kind, new Set<string>()]));
  const names: (readonly [string, readonly string[]])[] = [];
  let isBegun = false;
  let isEnded = false;
  let start = 0;
  for (let end = bytes.indexOf(0); end >= 0; start = end + 1, end = bytes.indexOf(0, start)) {
    const kind = bytes.toString('latin1', start, start + 1);
    const known = seen.get(kind);
    if (known !== undefined) {
      const [file, entries] = parted(bytes.subarray(start + 1, end));
      known.add(file);
      if (entries !== undefined) names.push([file, entries]);
    } else if (kind === 'E') isEnded = true;
    else if (kind === 'V' && bytes.toString('latin1', start, end) === VERSION) isBegun = true;
    else return { defect: kind === '!' ? bytes.toString('latin1', start + 1, end) : 'it is of another version' };
  }
  if (!isBegun) return { defect: 'it was not begun' };
  if (!isEnded || start !== bytes.length) return { defect: 'it has no end' };
  const all = (kind: string) => [...(seen.get(kind) as Set<string>)];
  return {
    read: all('R'),
    probed: [...new Set([...all('P'), ...all('A')])],
    listed: all('L'),
    seen: { there: all('P'), absent: all('A'), names, own: all('W') },
  };
}

/** A path, and behind `//` the names in that folder. */
function parted(bytes: Buffer): [file: string, entries?: string[]] {
  const at = bytes.indexOf('//');
  if (at < 0) return [printable(fromBytes(bytes))];
  const folder = at === 0 ? '/' : printable(fromBytes(bytes.subarray(0, at)));
  const entries: string[] = [];
  // The root ends with a slash of its own.
  for (let start = at === 0 ? 3 : at + 2; start < bytes.length; ) {
    const slash = bytes.indexOf('/', start);
    const end = slash < 0 ? bytes.length : slash;
    const name = printable(fromBytes(bytes.subarray(start + 1, end)));
    entries.push(name + (MARKS[bytes.toString('latin1', start, start + 1)] ?? ''));
    start = end + 1;
  }
  return [folder, entries];
}

/** All traces together, without what is in the container: its mounted root and the storage around it. */
export function traceOutside(traces: readonly AnsibleTrace[], mountPoint: string): AnsibleTrace {
  // GRAPHROOT/DRIVER/ID/merged.
  const [storage = mountPoint] = /^.+\/(?:overlay|vfs)(?=\/)/.exec(mountPoint) ?? [];
  const isOutside = (file: string) => ![mountPoint, storage].some((top) => file === top || file.startsWith(`${top}/`));
  const outside = (list: (trace: AnsibleTrace) => readonly string[]) =>
    [...new Set(traces.flatMap(list))].filter(isOutside);
  return {
    read: outside((trace) => trace.read),
    probed: outside((trace) => trace.probed),
    listed: outside((trace) => trace.listed),
    seen: {
      there: outside((trace) => trace.seen.there),
      absent: outside((trace) => trace.seen.absent),
      names: traces.flatMap((trace) => trace.seen.names).filter(([folder]) => isOutside(folder)),
      own: outside((trace) => trace.seen.own),
    },
  };
}
