import type { CommandFailureReason, CommandOptions, CommandResult } from './command.ts';

const MAX_COMMAND = 160;
const MAX_DETAIL = 300;

/** One line that says which program failed and how; for an exit code also the last thing it printed. */
export function failureMessage(
  reason: CommandFailureReason,
  result: CommandResult,
  options: CommandOptions,
  cause: unknown,
): string {
  const command = clip(result.argv.join(' '), MAX_COMMAND);
  switch (reason) {
    case 'exit': {
      const last = result.tail.findLast((line) => line.trim() !== '');
      return `${command}: exit code ${result.exitCode}${last === undefined ? '' : `: ${clip(last, MAX_DETAIL)}`}`;
    }
    case 'signal':
      return `${command}: ended by ${result.signal}`;
    case 'idle':
      return `${command}: printed nothing for ${seconds(options.idleMs)} and was ended`;
    case 'timeout':
      return `${command}: took longer than ${seconds(options.totalMs)} and was ended`;
    case 'cancelled':
      return `${command}: cancelled`;
    case 'not-found':
      return `${result.argv[0]}: program not found`;
    case 'spawn':
      return `${command}: cannot be started${cause instanceof Error ? `: ${clip(cause.message, MAX_DETAIL)}` : ''}`;
  }
}

function clip(text: string, length: number): string {
  const line = text.trim().replace(/\s+/g, ' ');
  return line.length > length ? `${line.slice(0, length)}…` : line;
}

function seconds(ms = 0): string {
  return `${ms / 1000} s`;
}
