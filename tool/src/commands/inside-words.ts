import type { FailedBuild } from '../records/failed-builds.ts';

/** `2026-11-24 15:53`, as the machine's clock shows it. */
export function minuteOf(at: string): string {
  return new Date(at).toLocaleString('sv-SE', { dateStyle: 'short', timeStyle: 'short' });
}

/** What whoever enters a kept container is told. Who asked for one command's output (`isShell` false) is told only what it may be wrong for. */
export function failedWords({ id, at, step, message, enteredAt, builtAt }: FailedBuild, isShell: boolean): string[] {
  const what = [
    `${id} as its build failed at ${minuteOf(at)} in the step '${step}': ${message}`,
    'this is that container itself: it goes when the layer is built well, and nothing of it comes into an image',
  ];
  const changed = enteredAt === undefined ? [] : [`somebody was in it at ${minuteOf(enteredAt)}: it may be changed`];
  const since = builtAt === undefined ? [] : [`${id} was built well at ${minuteOf(builtAt)}, since then`];
  return [...(isShell ? what : []), ...changed, ...since];
}
