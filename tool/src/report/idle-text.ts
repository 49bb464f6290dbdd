import { formatDuration } from './format.ts';

/** What a build says that had nothing to do. `verified`: destinations were asked, not believed. `ms`: since it was started. */
export function idleText(count: number, verified: boolean, ms: number): string {
  if (count === 0) return 'nothing to do: no layer was selected';
  const state = verified
    ? 'up to date, destinations verified'
    : 'up to date (records trusted; --verify asks the destinations)';
  return `nothing to do: ${count} ${count === 1 ? 'layer' : 'layers'} ${state} in ${formatDuration(ms)}`;
}
