import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LayerId } from '../../tool/src/config/layer.ts';
import type { LayerRecord } from '../../tool/src/recipe/record.ts';
import { encodeChecked } from '../../tool/src/records/checked-json.ts';
import { openRecords } from '../../tool/src/records/record-store.ts';

const id = 'debian/base' as LayerId;
const record = { version: 2, id, recipeKey: 'key' } as unknown as LayerRecord;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'records-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = () => join(folder, 'records', 'debian%2Fbase.json');

test('what was written is read, by another store too', async () => {
  await openRecords(folder).write(record);
  expect(openRecords(folder).read(id)).toEqual({ kind: 'record', record });
});

test('nothing written is no record and makes no folder', () => {
  expect(openRecords(join(folder, 'absent')).read(id)).toEqual({ kind: 'none' });
});

test.each([
  ['truncated', (text: string) => text.slice(0, -10)],
  ['empty', () => ''],
  ['a bit turned', (text: string) => text.replace('key', 'kez')],
  ['another layer', (text: string) => text.replace('debian/base', 'debian/bose')],
  ['zeros after a power loss', (text: string) => '\0'.repeat(text.length)],
  ['no record below its checksum', () => encodeChecked(null)],
])('a damaged record (%s) is set aside and never believed', async (_, damage) => {
  const store = openRecords(folder);
  await store.write(record);
  writeFileSync(file(), damage(readFileSync(file(), 'utf8')));
  expect(store.read(id)).toEqual({ kind: 'damaged', file: `${file()}.damaged` });
  expect(store.read(id)).toEqual({ kind: 'none' });
});

test('of an input set that earlier versions kept, which lacks what was ignored, only the rest of the record is left', async () => {
  const set = { version: 2, read: ['a'], probed: [], listed: [] };
  const store = openRecords(folder);
  await store.write({ ...record, inputSet: set } as LayerRecord);
  expect(store.read(id)).toEqual({ kind: 'record', record: { ...record, inputSet: set } });
  await store.write({ ...record, inputSet: { ...set, version: 1 } } as unknown as LayerRecord);
  expect(store.read(id)).toEqual({ kind: 'record', record });
});
