import type { Estimate } from '../plan/estimate.ts';
import { count, formatBytes } from './format.ts';

/** The blast radius of a plan in lines for people; none where nothing is to be done. `~` is a guess from earlier builds. */
export function estimateLines(estimate: Estimate, jobs: number): string[] {
  const { build, pending, publish, unknown, time } = estimate;
  if (build + pending + publish + unknown === 0) return [];
  const least = (isLeast: boolean) => (isLeast ? 'at least ' : '');
  const known = time.workMs > 0;
  const minutes = known ? `${least(time.isLeast)}~${formatMinutes(time.wallMs)} with -j ${jobs}` : 'time not known yet';
  const path = known
    ? ` (longest chain ~${formatMinutes(time.criticalPathMs)}, work ~${formatMinutes(time.workMs)})`
    : '';
  const lines = [`estimate: ${minutes}${path}`];
  const sizes = [
    ...(estimate.buildBytes > 0 ? [`~${formatBytes(estimate.buildBytes)} to build`] : []),
    ...(estimate.publishBytes > 0 ? [`up to ~${formatBytes(estimate.publishBytes)} to send`] : []),
  ];
  if (sizes.length > 0) lines.push(`          ${least(estimate.bytesAreLeast)}${sizes.join(', ')}`);
  if (unknown > 0 && known) lines.push(`          ${count(unknown, 'layer')} of unknown duration`);
  return lines;
}

/** Whole minutes, as an estimate is no better. */
function formatMinutes(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  if (minutes <= 1) return ms < 30_000 ? `${Math.max(1, Math.round(ms / 1000))} s` : '1 min';
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}
