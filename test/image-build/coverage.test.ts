import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { COVERAGE, contractKeys, coverageTable } from './coverage.ts';
import { isWritten, titlesNotIn } from './shown-by.ts';

const DOCS = '../../docs/image-build.md';
const TABLE = /(<!-- table[^>]*-->\n)[\s\S]*(<!-- end of table -->)/;

test('every flag and every key of the contract has a test', () => {
  expect(contractKeys().filter(({ key }) => COVERAGE[key] === undefined)).toEqual([]);
  expect(Object.keys(COVERAGE).sort()).toEqual(
    contractKeys()
      .map(({ key }) => key)
      .sort(),
  );
});

const places = [...new Map(Object.values(COVERAGE).map(({ shown }) => [shown.join(), shown])).values()];
for (const shown of places) {
  const [file, title] = shown;
  if (isWritten(file)) test(`${file}: ${title}`, () => expect(titlesNotIn(shown)).toEqual([]));
  else test.todo(`${file}: ${title} (not written yet)`);
}

// Out of date? `npm run -s unit -- image-build/coverage -u` writes it.
test('docs/image-build.md has the table of now', async () => {
  const text = readFileSync(path.resolve(import.meta.dirname, DOCS), 'utf8');
  expect(text).toMatch(TABLE);
  const current = text.replace(TABLE, (_, begin: string, end: string) => `${begin}\n${coverageTable()}\n\n${end}`);
  await expect(current).toMatchFileSnapshot(DOCS);
});
