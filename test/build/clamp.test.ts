import {
  existsSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  type Stats,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clampTimes } from '../../tool/src/build/clamp.ts';
import { withDays } from '../../tool/src/build/clamp-shadow.ts';
import { CopiedTimes } from '../../tool/src/run/copied-times.ts';

const PACKAGE = Date.UTC(2024, 2, 3) / 1000;
const PARENT = Date.UTC(2023, 0, 1) / 1000;

let root: string;
let outside: string;
let since: number;
beforeEach(() => {
  outside = mkdtempSync(path.join(os.tmpdir(), 'layers-clamp-'));
  root = path.join(outside, 'root');
  mkdirSync(root);
  since = Date.now() - 1000;
});
afterEach(() => rmSync(outside, { recursive: true }));

/** `time`: seconds; what is written without one is of this build. */
function write(name: string, text: string | Buffer = '', time?: number): string {
  const file = path.join(root, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  if (time !== undefined) utimesSync(file, time, time);
  return file;
}

const clamp = (more: Partial<Parameters<typeof clampTimes>[0]> = {}) =>
  clampTimes({ root, since, parentDate: PARENT, isCopied: () => false, signal: new AbortController().signal, ...more });
const timeOf = (name: string) => lstatSync(path.join(root, name)).mtimeMs / 1000;

test('the date is the newest that something brought; what the build wrote gets it, folders and links too', async () => {
  write('usr/old', '', PACKAGE - 50);
  write('usr/new', '', PACKAGE);
  write('etc/made');
  symlinkSync('/etc/made', path.join(root, 'etc/link'));
  expect(await clamp()).toBe(PACKAGE);
  for (const name of ['.', 'usr', 'etc', 'etc/made', 'etc/link', 'usr/new'])
    expect([name, timeOf(name)]).toEqual([name, PACKAGE]);
  expect(timeOf('usr/old')).toBe(PACKAGE - 50);
});

test('without newer files it is the parent’s', async () => {
  write('made');
  expect(await clamp()).toBe(PARENT);
});

test('without any date it is one that zip can store', async () => {
  write('made');
  expect(new Date((await clamp({ parentDate: 0 })) * 1000).getUTCFullYear()).toBe(1980);
});

test.each([
  ['newer', PACKAGE + 9_000_000],
  ['older', PARENT - 9_000_000],
])('a copy of the tree’s file says nothing about the date, though its checkout is %s', async (_, checkout) => {
  const copied = new CopiedTimes();
  const source = path.join(outside, 'source');
  mkdirSync(path.join(source, 'folder'), { recursive: true });
  writeFileSync(path.join(source, 'folder/file'), 'text');
  // buildah rounds: 0.7 is the next second.
  for (const name of ['folder/file', 'folder']) utimesSync(path.join(source, name), checkout - 0.3, checkout - 0.3);
  copied.add(source);
  write('srv/file', 'text', checkout);
  const isCopied = (stats: Stats) => copied.has(stats);
  expect(await clamp({ isCopied })).toBe(PARENT);
  expect(timeOf('srv/file')).toBe(PARENT);
  // Another file of that second is no copy.
  write('srv/other', 'another', checkout);
  expect(await clamp({ isCopied })).toBe(Math.max(PARENT, checkout));
});

test('a link is dated itself, and nothing that it points at', async () => {
  const victim = path.join(outside, 'victim');
  mkdirSync(victim);
  writeFileSync(path.join(victim, 'x.py'), '');
  lutimesSync(path.join(victim, 'x.py'), 5, 5);
  symlinkSync(victim, path.join(root, 'folder'));
  symlinkSync(path.join(victim, 'x.py'), path.join(root, 'x.py'));
  await clamp();
  expect([timeOf('folder'), timeOf('x.py')]).toEqual([PARENT, PARENT]);
  expect(lstatSync(path.join(victim, 'x.py')).mtimeMs).toBe(5000);
});

test('names that are no text', async () => {
  const name = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]);
  writeFileSync(name, '');
  await clamp();
  expect(lstatSync(name).mtimeMs / 1000).toBe(PARENT);
});

/** A compiled file as PEP 552 has it. */
function compiled(flags: number, mtime: number): Buffer {
  const header = Buffer.alloc(20, 'c');
  header.writeUInt32LE(flags, 4);
  header.writeUInt32LE(mtime, 8);
  return header;
}
const sourceTime = (name: string) => readFileSync(path.join(root, name)).readUInt32LE(8);

test('compiled Python goes on fitting its source, and only what fitted', async () => {
  const now = Math.floor(Date.now() / 1000);
  write('lib/mod.py', '', now);
  write('lib/mod.extra.py', '', now);
  write('lib/__pycache__/mod.cpython-311.pyc', compiled(0, now));
  write('lib/__pycache__/mod.extra.cpython-311.pyc', compiled(0, now));
  write('lib/__pycache__/mod.cpython-311.opt-1.pyc', compiled(0, now));
  write('lib/mod.pyc', compiled(0, now));
  write('lib/__pycache__/mod.hashed.pyc', compiled(1, now));
  write('lib/__pycache__/mod.stale.pyc', compiled(0, now - 60));
  write('lib/shipped.py', '', PACKAGE);
  write('lib/__pycache__/shipped.cpython-311.pyc', compiled(0, PACKAGE));
  const date = await clamp();
  expect(date).toBe(PACKAGE);
  for (const name of [
    '__pycache__/mod.cpython-311.pyc',
    '__pycache__/mod.extra.cpython-311.pyc',
    '__pycache__/mod.cpython-311.opt-1.pyc',
    'mod.pyc',
  ]) {
    expect([name, sourceTime(`lib/${name}`), timeOf(`lib/${name}`)]).toEqual([name, date, date]);
  }
  expect(sourceTime('lib/__pycache__/mod.hashed.pyc')).toBe(now);
  expect(sourceTime('lib/__pycache__/mod.stale.pyc')).toBe(now - 60);
  expect(sourceTime('lib/__pycache__/shipped.cpython-311.pyc')).toBe(PACKAGE);
});

test('a cache that leads out of the root is not written to', async () => {
  const now = Math.floor(Date.now() / 1000);
  const victim = path.join(outside, 'cache');
  mkdirSync(victim);
  writeFileSync(path.join(victim, 'mod.cpython-311.pyc'), compiled(0, now));
  writeFileSync(path.join(outside, 'beside.pyc'), compiled(0, now));
  write('lib/mod.py', '', now);
  symlinkSync(victim, path.join(root, 'lib/__pycache__'));
  symlinkSync(path.join(outside, 'beside.pyc'), path.join(root, 'lib/mod.pyc'));
  await clamp();
  expect(readFileSync(path.join(victim, 'mod.cpython-311.pyc')).readUInt32LE(8)).toBe(now);
  expect(readFileSync(path.join(outside, 'beside.pyc')).readUInt32LE(8)).toBe(now);
});

test('with overlay only what the container has of its own is looked at, and removed files are no files', async () => {
  const [merged, diff] = ['merged', 'diff'].map((name) => path.join(outside, name));
  for (const folder of [merged!, diff!]) mkdirSync(folder);
  for (const name of ['own', 'inherited']) writeFileSync(path.join(merged!, name), '');
  linkSync(path.join(merged!, 'own'), path.join(diff!, 'own'));
  utimesSync(path.join(merged!, 'inherited'), PACKAGE, PACKAGE);
  expect(await clamp({ root: merged! })).toBe(PARENT);
  expect(lstatSync(path.join(merged!, 'own')).mtimeMs / 1000).toBe(PARENT);
  expect(lstatSync(path.join(merged!, 'inherited')).mtimeMs / 1000).toBe(PACKAGE);
});

test('logs of package managers go where this build wrote them; what was copied or came with the parent stays', async () => {
  write('var/log/dpkg.log', 'now');
  write('var/log/apt/history.log', 'earlier', PARENT);
  write('var/log/mine.log', 'now');
  await clamp();
  expect(existsSync(path.join(root, 'var/log/dpkg.log'))).toBe(false);
  expect(existsSync(path.join(root, 'var/log/apt/history.log'))).toBe(true);
  expect(existsSync(path.join(root, 'var/log/mine.log'))).toBe(true);
});

test('days of new passwords follow the date, but not where a password expires, nor another day', async () => {
  const today = Math.floor(Date.now() / 86_400_000);
  const line = (day: number | string, most: string) => `name:*:${day}:0:${most}:7:::`;
  const lines = [
    line(today, '99999'),
    line(today, ''),
    line(today, '90'),
    line(today + 30, ''),
    line('', ''),
    line(0, ''),
  ];
  write('etc/shadow', `${lines.join('\n')}\n`);
  const day = Math.floor((await clamp()) / 86_400);
  expect(readFileSync(path.join(root, 'etc/shadow'), 'utf8')).toBe(
    `${[line(day, '99999'), line(day, ''), ...lines.slice(2)].join('\n')}\n`,
  );
  expect(timeOf('etc/shadow')).toBe(PARENT);
  expect(withDays('a:b', { first: 1, last: 2, instead: 0 })).toBe('a:b');
});
