import { expect, test } from 'vitest';
import { readTrace, traceOutside } from '../../tool/src/build/ansible-trace.ts';

const trace = (...records: (string | Buffer)[]) =>
  Buffer.concat(records.flatMap((record) => [Buffer.from(record as string), Buffer.from([0])]));

test('records become lists, each path once, whatever bytes it holds', () => {
  const odd = Buffer.from([0x52, 0x2f, 0xff, 0x0a]);
  expect(readTrace(trace('V1', 'R/a', 'P/b', 'R/a', odd, 'L/c\\', 'E'))).toEqual({
    read: ['/a', '/\\xff\n'],
    probed: ['/b'],
    listed: ['/c\\\\'],
  });
});

test.each([
  ['was never begun', trace('R/a', 'E'), 'it was not begun'],
  ['has no end', trace('V1', 'R/a'), 'it has no end'],
  ['was cut off', Buffer.concat([trace('V1', 'E'), Buffer.from('R/ha')]), 'it has no end'],
  ['is of another version', trace('V2', 'E'), 'it is of another version'],
  ['met an error', trace('V1', '!OSError(28)', 'E'), 'OSError(28)'],
])('a trace that %s is not believed', (_, bytes, defect) => {
  expect(readTrace(bytes)).toEqual({ defect });
});

test('what lies in the container and in the storage is left out', () => {
  const one = { read: ['/a', '/s/overlay/x/merged/etc/b'], probed: ['/s/overlay/y/diff', '/s/overlays'], listed: [] };
  const two = { read: ['/a', '/c'], probed: [], listed: ['/s/overlay/x/merged'] };
  expect(traceOutside([one, two], '/s/overlay/x/merged')).toEqual({
    read: ['/a', '/c'],
    probed: ['/s/overlays'],
    listed: [],
  });
});
