/** How much of a run is shown, from all to little. `debug` adds what the children print. */
export type LogLevel = 'debug' | 'info' | 'warning' | 'error';

const ORDER: readonly LogLevel[] = ['debug', 'info', 'warning', 'error'];

/** Whether what belongs to `level` is shown when `chosen` was asked for. */
export function isShown(level: LogLevel, chosen: LogLevel): boolean {
  return ORDER.indexOf(level) >= ORDER.indexOf(chosen);
}
