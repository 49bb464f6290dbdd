import { expect, test } from 'vitest';
import { recorded, report } from './recorded.ts';

test('each event is one line and comes back as it was', async () => {
  const events = recorded('failing');
  const text = await report(events, { mode: 'json', isTTY: true });
  expect(
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toEqual(events);
});

test('no byte that a terminal obeys', async () => {
  const events = recorded('failing').map((event) =>
    event.type === 'output' ? { ...event, line: '\x1b[2J\x9b2J\x7f' } : event,
  );
  const text = await report(events, { mode: 'json' });
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(text).toContain('"\\u001b[2J\\u009b2J\\u007f"');
});
