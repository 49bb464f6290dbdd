import path from 'node:path';
import type { Failure, LayerSummary } from '../run/events.ts';
import { formatDuration, shellWords } from './format.ts';
import type { Paint } from './palette.ts';
import { plainLines, plainText } from './plain-text.ts';

const TAIL_LINES = 20;
const TAIL_LINE_CHARACTERS = 500;
/** A `cmds` entry may be a script of pages. */
const COMMAND_CHARACTERS = 1000;

/** Everything about one layer that failed: message, command, the end of its output, where the log is, what to do. */
export function failureLines(layer: LayerSummary, root: string, paint: Paint): string[] {
  const failure: Failure = layer.failure ?? { code: 'internal', message: 'no reason was given' };
  const took = layer.durationMs > 0 ? ` after ${formatDuration(layer.durationMs)}` : '';
  const lines = [`${paint(['red', 'bold'], `✖ ${plainText(layer.id)}`)} failed${took}`];
  lines.push(...plainLines(failure.message).map((line) => `  ${line}`));
  const command = plainText(shellWords(failure.command ?? []));
  if (command !== '') lines.push(`  ${paint('dim', 'command')} ${cut(command, COMMAND_CHARACTERS)}`);
  const tail = (failure.tail ?? []).map(plainText).filter((line) => line.trim() !== '');
  lines.push(...tail.slice(-TAIL_LINES).map((line) => `  ${paint('dim', '│')} ${cut(line, TAIL_LINE_CHARACTERS)}`));
  if (layer.log !== undefined) lines.push(`  ${paint('dim', 'log')} ${plainText(path.resolve(root, layer.log))}`);
  if (failure.kept !== undefined) {
    const command = plainText(shellWords(['layers', 'shell', layer.id, '--at', 'failed']));
    lines.push(`  ${paint('dim', 'inside')} ${command}, as the step '${plainText(failure.kept.step)}' left it`);
  }
  if (failure.hint !== undefined) lines.push(`  ${paint('cyan', 'hint')} ${plainText(failure.hint)}`);
  return lines;
}

/** One layer that failed among many: what it said, and where its log is. */
export function failureLine(layer: LayerSummary, paint: Paint): string {
  const log = layer.log === undefined ? '' : ` (${layer.log})`;
  return `${paint('red', `✖ ${plainText(layer.id)}`)}: ${plainText(`${layer.failure?.message ?? 'failed'}${log}`)}`;
}

function cut(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters).toWellFormed()}…`;
}
