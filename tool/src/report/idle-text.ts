import { formatDuration } from './format.ts';

/**
 * What a build says that had nothing to do. `verified`: destinations were asked, not believed. `ms`: since it was started. `isElsewhere`: what was
 * selected is all left to other machines.
 */
export function idleText(count: number, verified: boolean, ms: number, isElsewhere = false): string {
  if (count === 0)
    return `nothing to do: ${isElsewhere ? 'this machine builds none of what' : 'no layer'} was selected`;
  const state = verified
    ? 'up to date, destinations verified'
    : 'up to date (records trusted; --verify asks the destinations)';
  return `nothing to do: ${count} ${count === 1 ? 'layer' : 'layers'} ${state} in ${formatDuration(ms)}`;
}
