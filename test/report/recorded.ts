import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { createReporter, type ReporterOptions } from '../../tool/src/report/reporter.ts';
import type { RunEvent } from '../../tool/src/run/events.ts';

/** A recorded event stream of `test/fixtures/events`. */
export function recorded(name: 'failing' | 'interrupted' | 'null'): RunEvent[] {
  const text = readFileSync(new URL(`../fixtures/events/${name}.jsonl`, import.meta.url), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent);
}

/** A stream that keeps what is written to it, as wide and high as a terminal when asked. */
export function sink(size: { columns?: number; rows?: number } = {}) {
  const stream = Object.assign(new PassThrough(), size);
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

/** What a reporter writes to stdout for `events`. */
export async function report(events: readonly RunEvent[], options: Partial<ReporterOptions>): Promise<string> {
  const stdout = sink();
  const reporter = createReporter({
    mode: 'auto',
    stdout: stdout.stream,
    stderr: sink().stream,
    env: {},
    isTTY: false,
    root: '/tree',
    ...options,
  });
  for (const event of events) reporter.event(event);
  await reporter.end();
  return stdout.text();
}

/** The plan and events of a run with `layers` independent layers, each of which prints `lines` lines. */
export function* manyLayers(layers: number, lines: number, atOnce = 8): Generator<RunEvent> {
  const ids = Array.from(
    { length: layers },
    (_, index) => `group/layer-${index}` as Extract<RunEvent, { type: 'output' }>['id'],
  );
  const plan = ids.map((id) => ({
    id,
    name: id,
    path: `layers/${id}.yaml`,
    parents: [],
    action: 'build' as const,
    reasons: [],
    recipeKey: null,
  }));
  let at = 1_767_268_800_000;
  const finish = (id: (typeof ids)[number]): RunEvent => {
    const summary = {
      id,
      name: id,
      outcome: 'built',
      durationMs: 100,
      references: [],
      warnings: [],
      reasons: [],
    } as const;
    return { at, type: 'layer-finished', id, summary };
  };
  yield { at, type: 'run-started', runId: 'many', jobs: atOnce, plan };
  for (const [index, id] of ids.entries()) {
    at += 10;
    yield { at, type: 'layer-started', id, action: 'build', reasons: [] };
    for (let line = 0; line < lines; line++) yield { at, type: 'output', id, line: `line ${line} of ${id}` };
    const oldest = ids[index - atOnce + 1];
    if (oldest !== undefined) yield finish(oldest);
  }
  for (const id of ids.slice(-atOnce + 1)) yield finish(id);
}
