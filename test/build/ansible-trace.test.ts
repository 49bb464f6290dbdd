import { expect, test } from 'vitest';
import { readTrace, traceOutside } from '../../tool/src/build/ansible-trace.ts';

const trace = (...records: (string | Buffer)[]) =>
  Buffer.concat(records.flatMap((record) => [Buffer.from(record as string), Buffer.from([0])]));

test('records become lists, each path once, whatever bytes it holds', () => {
  const odd = Buffer.from([0x52, 0x2f, 0xff, 0x0a]);
  expect(readTrace(trace('V2', 'R/a', 'P/b', 'R/a', odd, 'L/c\\', 'A/d', 'A/b', 'W/w', 'E'))).toEqual({
    read: ['/a', '/\\xff\n'],
    probed: ['/b', '/d'],
    listed: ['/c\\\\'],
    seen: { there: ['/b'], absent: ['/d', '/b'], names: [], own: ['/w'] },
  });
});

test('a listing keeps what was in the folder, as often as that differed', () => {
  const odd = Buffer.concat([Buffer.from('L/a//f'), Buffer.from([0xff])]);
  const read = readTrace(trace('V2', 'L/a//', 'L/a//dsub/fx@/lto', odd, 'L///fx', 'L/gone', 'E'));
  expect(read).toMatchObject({
    listed: ['/a', '/', '/gone'],
    seen: {
      names: [
        ['/a', []],
        ['/a', ['sub/', 'x@', 'to@']],
        ['/a', ['\\xff']],
        ['/', ['x']],
      ],
    },
  });
});

test.each([
  ['was never begun', trace('R/a', 'E'), 'it was not begun'],
  ['has no end', trace('V2', 'R/a'), 'it has no end'],
  ['was cut off', Buffer.concat([trace('V2', 'E'), Buffer.from('R/ha')]), 'it has no end'],
  ['is of another version', trace('V1', 'E'), 'it is of another version'],
  ['met an error', trace('V2', '!OSError(28)', 'E'), 'OSError(28)'],
])('a trace that %s is not believed', (_, bytes, defect) => {
  expect(readTrace(bytes)).toEqual({ defect });
});

test('what lies in the container and in the storage is left out', () => {
  const none = { there: [], absent: [], names: [], own: [] };
  const one = {
    read: ['/a', '/s/overlay/x/merged/etc/b'],
    probed: ['/s/overlay/y/diff', '/s/overlays'],
    listed: [],
    seen: { ...none, there: ['/s/overlays'], absent: ['/s/overlay/y/diff'] },
  };
  const names = [['/s/overlay/x/merged', ['a']] as const, ['/n', ['b']] as const];
  const two = { read: ['/a', '/c'], probed: [], listed: ['/s/overlay/x/merged'], seen: { ...none, names } };
  expect(traceOutside([one, two], '/s/overlay/x/merged')).toEqual({
    read: ['/a', '/c'],
    probed: ['/s/overlays'],
    listed: [],
    seen: { there: ['/s/overlays'], absent: [], names: [['/n', ['b']]], own: [] },
  });
});
