import { expect, test } from 'vitest';
import { LiveRun } from '../../tool/src/report/live.ts';
import { createReporter } from '../../tool/src/report/reporter.ts';
import { counterLines, layerLines } from '../../tool/src/report/tty-lines.ts';
import { displayWidth } from '../../tool/src/report/width.ts';
import { manyLayers, recorded, report, sink } from './recorded.ts';

const paint = (_format: unknown, text: string) => text;

function liveAt(events: Iterable<Parameters<LiveRun['apply']>[0]>): { live: LiveRun; now: number } {
  const live = new LiveRun();
  let now = 0;
  for (const event of events) {
    live.apply(event);
    now = event.at;
  }
  return { live, now };
}

test.each([80, 120])('lines of a playbook fit in %i columns', (columns) => {
  const events = recorded('failing');
  const end = events.findIndex((event) => event.type === 'output' && event.line === 'changed: [compute]');
  const { live, now } = liveAt(events.slice(0, end + 1));
  const lines = layerLines(live, { rows: 20, columns }, now, paint).map(({ text }) => text);
  expect(lines.every((line) => displayWidth(line) <= columns)).toBe(true);
  const whole = 'debian/compute  playbook           5 s  TASK [chrony : install] 7/23  changed: [compute]';
  expect(lines.at(-1)).toBe(columns === 80 ? whole.replace(' [compute]', '…') : whole);
});

test('a thousand layers have the height of the terminal', () => {
  const { live, now } = liveAt([...manyLayers(1000, 1)].slice(0, 2000));
  const lines = layerLines(live, { rows: 12, columns: 80 }, now, paint);
  expect(lines.length).toBeLessThanOrEqual(12);
  expect(counterLines(live, 80, now, paint)).toEqual([
    expect.stringMatching(/^\d running, \d+ waiting, \d+ built, \d+ s$/),
  ]);
});

test('what failed stays in sight when little fits', () => {
  const { live, now } = liveAt(recorded('failing').filter((event) => event.type !== 'run-finished'));
  expect(layerLines(live, { rows: 2, columns: 80 }, now, paint).map(({ id }) => id)).toEqual([
    'debian/kernel',
    'debian/compute',
  ]);
});

test('after an interruption, what is being ended', () => {
  const events = recorded('interrupted');
  const { live, now } = liveAt(events.slice(0, events.findIndex((event) => event.type === 'stopping') + 1));
  expect(layerLines(live, { rows: 20, columns: 80 }, now, paint).map(({ text }) => text.replace(/ +/g, ' '))).toEqual([
    'el9/base ending 4 s packages Installing : glibc-2.34-100.el9.x8…',
    'el9/login ending 4 s cmds',
  ]);
  expect(counterLines(live, 80, now, paint)[0]).toBe(
    'stopping: SIGINT: ending el9/base and el9/login; once more forces',
  );
});

test('a null run never takes the terminal', async () => {
  const text = await report(recorded('null'), { mode: 'tty', isTTY: true, env: { NO_COLOR: '1' } });
  expect(text).not.toContain('\x1b');
});

test.each(['failing', 'interrupted'] as const)('the streams and the cursor are given back: %s', async (name) => {
  const stdout = sink({ columns: 80, rows: 24 });
  const stderr = sink();
  const { write } = stdout.stream;
  const reporter = createReporter({
    mode: 'tty',
    stdout: stdout.stream,
    stderr: stderr.stream,
    env: { NO_COLOR: '1' },
    isTTY: true,
    root: '/tree',
  });
  const exitListeners = process.listenerCount('exit');
  for (const event of recorded(name)) reporter.event(event);
  await reporter.end();
  expect(stdout.stream.write).toBe(write);
  expect(process.listenerCount('exit')).toBe(exitListeners);
  const text = stdout.text();
  expect(text.lastIndexOf('\x1b[?25h')).toBeGreaterThan(text.lastIndexOf('\x1b[?25l'));
  expect(text).toContain(name === 'failing' ? '2 built, 1 published' : 'interrupted by SIGINT');
});

test.each([
  ['a terminal', { isTTY: true, columns: 80 }, {}, true],
  ['CI', { isTTY: true, columns: 80 }, { CI: 'true' }, false],
  ['a dumb terminal', { isTTY: true, columns: 80 }, { TERM: 'dumb' }, false],
  ['a terminal without a size', { isTTY: true, columns: 0 }, {}, false],
  ['a pipe', { isTTY: false, columns: 80 }, {}, false],
])('on %s: the live view or plain lines', async (_name, { isTTY, columns }, env, live) => {
  const stdout = sink({ columns, rows: 24 });
  const reporter = createReporter({
    mode: 'auto',
    stdout: stdout.stream,
    stderr: sink().stream,
    env: { NO_COLOR: '1', ...env },
    isTTY,
    root: '/tree',
  });
  for (const event of recorded('failing')) reporter.event(event);
  await reporter.end();
  expect(stdout.text().includes('[debian/base] packages …')).toBe(!live);
});

test('a layer that waits for another run says for whom; afterwards too, once', async () => {
  const [started, layer] = recorded('failing');
  if (started === undefined || layer?.type !== 'layer-started') throw new Error('fixture');
  const message = 'waiting for process 12 on host (run r), which is building it';
  const waiting = { at: layer.at, type: 'warning', id: layer.id, message } as const;
  const { live, now } = liveAt([started, layer, waiting]);
  expect(layerLines(live, { rows: 20, columns: 120 }, now, paint)[0]?.text).toContain(message);

  const own = recorded('failing').filter((event) => event.type === 'warning' || event.type === 'run-finished');
  const text = await report([waiting, ...own], { mode: 'tty', env: { NO_COLOR: '1' } });
  expect(text.split(`warning debian/base: ${message}`)).toHaveLength(2);
  expect(text.split('warning debian/base: files/motd is 0600')).toHaveLength(2);
});
