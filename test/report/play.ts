// Plays a recorded event stream on the terminal, for looking at it:
//   node_modules/.bin/node test/report/play.ts test/fixtures/events/failing.jsonl [MODE] [SPEED]
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createReporter, type OutputMode } from '../../tool/src/report/reporter.ts';
import type { RunEvent } from '../../tool/src/run/events.ts';

/** The shell command that plays a stream of `test/fixtures/events` so many times faster than it was, from the root. */
export function playCommand(stream: string, speed: number): string {
  return `'${process.execPath}' test/report/play.ts test/fixtures/events/${stream}.jsonl auto ${speed}`;
}

async function play(file: string, mode: string, speed: number): Promise<void> {
  const reporter = createReporter({
    mode: mode as OutputMode,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    isTTY: process.stdout.isTTY === true,
    root: process.cwd(),
  });
  let previous: number | undefined;
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
    const event = JSON.parse(line) as RunEvent;
    await sleep((event.at - (previous ?? event.at)) / speed);
    previous = event.at;
    reporter.event({ ...event, at: Date.now() });
  }
  await reporter.end();
}

if (import.meta.main) {
  const [file = '', mode = 'auto', speed = '10'] = process.argv.slice(2);
  await play(file, mode, Number(speed));
}
