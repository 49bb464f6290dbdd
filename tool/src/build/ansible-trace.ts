import { fromBytes, printable } from '../inputs/names.ts';
import type { AnsibleTrace } from './builder.ts';

/** Why what `tool/ansible/trace/layers_trace.py` wrote cannot be believed. */
export interface TraceDefect {
  readonly defect: string;
}

/** Written first by that file; another number is another format. */
const VERSION = 'V1';

/** Reads the records of one playbook run, each ended by NUL. Paths are as `printable` shows them. */
export function readTrace(bytes: Buffer): AnsibleTrace | TraceDefect {
  const seen = { R: new Set<string>(), P: new Set<string>(), L: new Set<string>() };
  let isBegun = false;
  let isEnded = false;
  let start = 0;
  for (let end = bytes.indexOf(0); end >= 0; start = end + 1, end = bytes.indexOf(0, start)) {
    const kind = bytes.toString('latin1', start, start + 1);
    if (kind === 'R' || kind === 'P' || kind === 'L')
      seen[kind].add(printable(fromBytes(bytes.subarray(start + 1, end))));
    else if (kind === 'E') isEnded = true;
    else if (kind === 'V' && bytes.toString('latin1', start, end) === VERSION) isBegun = true;
    else return { defect: kind === '!' ? bytes.toString('latin1', start + 1, end) : 'it is of another version' };
  }
  if (!isBegun) return { defect: 'it was not begun' };
  if (!isEnded || start !== bytes.length) return { defect: 'it has no end' };
  return { read: [...seen.R], probed: [...seen.P], listed: [...seen.L] };
}

/** All traces together, without what is in the container: its mounted root and the storage around it. */
export function traceOutside(traces: readonly AnsibleTrace[], mountPoint: string): AnsibleTrace {
  // GRAPHROOT/DRIVER/ID/merged.
  const [storage = mountPoint] = /^.+\/(?:overlay|vfs)(?=\/)/.exec(mountPoint) ?? [];
  const isInside = (file: string) => [mountPoint, storage].some((top) => file === top || file.startsWith(`${top}/`));
  const all = (list: keyof AnsibleTrace) => [...new Set(traces.flatMap((trace) => trace[list]))];
  const outside = (list: keyof AnsibleTrace) => all(list).filter((file) => !isInside(file));
  return { read: outside('read'), probed: outside('probed'), listed: outside('listed') };
}
