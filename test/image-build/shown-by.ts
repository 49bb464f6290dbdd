import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const TESTS = path.resolve(import.meta.dirname, '..');

/** Where a test stands: its file without `.test.ts`, and its title. */
export type Shown = readonly [file: string, ...titles: string[]];

/**
 * A line of the contract that other tests show. They run by themselves; here it is held that they are there under that name. Of a file that
 * is still to be written the line is a todo that says so.
 */
export function shownBy(line: string, ...shown: readonly Shown[]): void {
  const missing = shown.map(([file]) => file).filter((file) => !existsSync(pathOf(file)));
  if (missing.length > 0) {
    test.todo(`${line} (no ${missing.join(', ')} yet)`);
    return;
  }
  test(line, () => {
    for (const place of shown) expect(titlesNotIn(place)).toEqual([]);
  });
}

/** Those of the titles that the file has no running test for. */
export function titlesNotIn([file, ...titles]: Shown): string[] {
  const text = readFileSync(pathOf(file), 'utf8');
  // A title is a whole string of the source, and not of a test that is left out.
  const isThere = (title: string) =>
    ["'", '"', '`'].some((quote) => {
      const at = text.indexOf(quote + title + quote);
      return at !== -1 && !/\.(todo|skip)\(\s*$/.test(text.slice(0, at));
    });
  return titles.filter((title) => !isThere(title)).map((title) => `${file}: ${title}`);
}

/** Whether the test file is there. */
export function isWritten(file: string): boolean {
  return existsSync(pathOf(file));
}

/** Every argv and every written file that the newest golden file of a builder holds. */
export function goldenArgv(builder: string): readonly (readonly string[])[] {
  const folder = path.join(TESTS, 'build/golden');
  const versions = readdirSync(folder).flatMap((name) => {
    const match = new RegExp(`^${builder}-(\\d+)\\.jsonl$`).exec(name);
    return match === null ? [] : [Number(match[1])];
  });
  const lines = readFileSync(path.join(folder, `${builder}-${Math.max(...versions)}.jsonl`), 'utf8').split('\n');
  return lines.filter(Boolean).map((line) => wordsIn(JSON.parse(line)));
}

function wordsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.values(value).flatMap(wordsIn);
}

function pathOf(file: string): string {
  return path.join(TESTS, `${file}.test.ts`);
}
