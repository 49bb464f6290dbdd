import type { Layer } from '../config/layer.ts';
import type { Reason } from './reason.ts';

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** Age as a reason: `rebuild_after` has passed since the content was last built. Times in ISO 8601 and milliseconds. Pure. */
export function ageReason({ options }: Layer, lastBuiltAt: string, now: number): Reason | undefined {
  const limit = options.rebuild_after;
  if (limit === undefined) return undefined;
  const age = now - Date.parse(lastBuiltAt);
  const unit = UNITS[limit.slice(-1)] ?? Number.POSITIVE_INFINITY;
  // A date in the future comes from another clock, and counts as now.
  if (age <= Number(limit.slice(0, -1)) * unit) return undefined;
  return { code: 'age', text: `last built ${Math.floor(age / 86_400_000)} days ago, rebuild_after is ${limit}` };
}
