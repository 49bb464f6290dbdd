import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import { createPaint } from '../../tool/src/report/palette.ts';
import { newsLines } from '../../tool/src/report/watch-news.ts';
import { type WatchMode, WatchScreen } from '../../tool/src/report/watch-screen.ts';

const paint = createPaint(false);
const id = (name: string) => name as LayerId;

function screen(mode: WatchMode, columns = 40): { screen: WatchScreen; shown: () => string } {
  const stdout = Object.assign(new PassThrough(), { columns });
  const shown = () => String(stdout.read() ?? '');
  return { screen: new WatchScreen(stdout, new PassThrough(), mode, paint), shown };
}

test('the status is one line that fits, is erased before news, and drawn again below them', () => {
  const { screen: one, shown } = screen('live', 20);
  one.status('watching 2 layers · all in line · r rebuild');
  expect(shown()).toBe('watching 2 layers…');
  one.print(['news']);
  expect(shown()).toBe('\r\x1b[2Knews\nwatching 2 layers…');
  one.leave();
  expect(shown()).toBe('\r\x1b[2K');
});

test('while a run has the terminal there is no status, and news go through it', () => {
  const { screen: one, shown } = screen('live');
  const printed: string[] = [];
  one.hold({ event: () => {}, end: async () => {}, print: (lines) => printed.push(...lines) });
  one.status('building');
  one.print(['news']);
  expect([printed, shown()]).toEqual([['news'], '']);
  one.release();
  expect(shown()).toBe('building');
});

test('a run that is refused before it has the terminal gives none back', () => {
  const { screen: one, shown } = screen('live');
  one.status('building');
  one.release();
  expect(shown()).toBe('building');
});

test('plain lines have their time and no status; JSON has one event a line and nothing for people', () => {
  const plain = screen('plain');
  plain.screen.status('watching');
  plain.screen.news({ type: 'watch-still-failed', layers: [id('a')] });
  expect(plain.shown()).toMatch(/^\d\d:\d\d:\d\d a: failed and not changed since; not tried again\n$/);
  const json = screen('json');
  json.screen.status('watching');
  json.screen.print(['for people']);
  json.screen.news({ type: 'watch-still-failed', layers: [id('a')] });
  expect(JSON.parse(json.shown())).toMatchObject({ type: 'watch-still-failed', layers: ['a'] });
});

test('which file caused what', () => {
  const files = ['a', 'b', 'c', 'd', 'e'].map((file) => ({ file, layers: [] }));
  const one = { file: 'roles/x/tasks/main.yml', layers: ['a', 'b', 'c', 'd'].map(id) };
  expect(newsLines({ type: 'watch-changed', files: [one] }, paint)).toEqual([
    'roles/x/tasks/main.yml changed → a, b, c and 1 more',
  ]);
  expect(newsLines({ type: 'watch-changed', files }, paint)).toEqual([
    'a changed',
    'b changed',
    'c changed',
    'and 2 more files',
  ]);
  expect(newsLines({ type: 'watch-unchanged', files: [one] }, paint)).toEqual([
    'roles/x/tasks/main.yml changed → a, b, c and 1 more: nothing to do',
  ]);
  expect(newsLines({ type: 'watch-layers', added: [id('n')], removed: [id('o')] }, paint)).toEqual([
    'new: n',
    'gone: o',
  ]);
});
