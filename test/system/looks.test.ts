import fs, {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Looks, type Seen, watchLooks } from '../../tool/src/system/looks.ts';
import { stateOfItself, stateOfTarget } from '../../tool/src/system/path-state.ts';

const NOBODY = { hasAskedBeyond: () => false };
let folder: string;
let looks: Looks | undefined;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'layers-looks-'));
  mkdirSync(`${folder}/sub`);
  writeFileSync(`${folder}/file`, 'text');
  symlinkSync('file', `${folder}/link`);
});
afterEach(() => {
  looks?.end();
  rmSync(folder, { recursive: true });
});

function seenIn(work: () => void): Seen | string {
  looks = watchLooks(NOBODY);
  work();
  return looks.end();
}

function ended(end: Seen | string): Seen {
  if (typeof end === 'string') throw new Error(end);
  return end;
}

test.each<[string, (at: string) => unknown]>([
  ['statSync', (at) => statSync(`${at}/link`)],
  ['a look by the module object', (at) => fs.statSync(`${at}/link`, { bigint: true })],
  ['readFileSync', (at) => readFileSync(`${at}/link`)],
  ['openSync', (at) => fs.closeSync(fs.openSync(`${at}/link`, 'r'))],
  ['accessSync', (at) => fs.accessSync(`${at}/link`)],
  ['a path that is not whole', (at) => readFileSync(path.relative(process.cwd(), `${at}/link`))],
  ['a URL', (at) => readFileSync(new URL(`file://${at}/link`))],
])('%s is seen, with the state of what the link leads to', (_name, look) => {
  const { targets } = ended(seenIn(() => look(folder)));
  expect(targets.get(`${folder}/link`)).toEqual(stateOfTarget(`${folder}/file`));
});

test('promises, callbacks and streams are seen too', async () => {
  looks = watchLooks(NOBODY);
  await readFile(`${folder}/file`);
  await stat(`${folder}/sub`);
  await new Promise((resolve) => fs.stat(`${folder}/nothing`, resolve));
  for await (const _piece of fs.createReadStream(`${folder}/link`));
  const { targets } = ended(looks.end());
  expect([...targets.keys()].map((one) => path.basename(one))).toEqual(['file', 'sub', 'nothing', 'link']);
});

test('links themselves, listings, names that are not there and real paths are kept apart', () => {
  const { selves, targets, there, real } = ended(
    seenIn(() => {
      lstatSync(`${folder}/link`);
      fs.readlinkSync(`${folder}/link`);
      readdirSync(folder);
      fs.existsSync(`${folder}/file`);
      fs.existsSync(`${folder}/nothing`);
      fs.realpathSync(`${folder}/link`);
      fs.realpathSync.native(`${folder}/sub`);
      expect(() => fs.realpathSync(`${folder}/nothing`)).toThrow(/ENOENT/);
    }),
  );
  expect([...selves]).toEqual([[`${folder}/link`, stateOfItself(`${folder}/link`)]]);
  expect(targets.get(folder)).toEqual(stateOfTarget(folder));
  expect([...there]).toEqual([
    [`${folder}/file`, true],
    [`${folder}/nothing`, false],
  ]);
  expect(Object.fromEntries(real)).toEqual({
    [`${folder}/link`]: fs.realpathSync(`${folder}/file`),
    [`${folder}/sub`]: fs.realpathSync(`${folder}/sub`),
    [`${folder}/nothing`]: '',
  });
});

test('the state is the one from before the file was read', () => {
  const before = stateOfTarget(`${folder}/file`);
  const { targets } = ended(
    seenIn(() => {
      readFileSync(`${folder}/file`);
      writeFileSync(`${folder}/file`, 'longer text');
      statSync(`${folder}/file`);
    }),
  );
  expect(targets.get(`${folder}/file`)).toEqual(before);
});

test('what is only written is no look', () => {
  const { targets, selves, there } = ended(
    seenIn(() => {
      mkdirSync(`${folder}/new`);
      writeFileSync(`${folder}/new/file`, 'text');
      fs.closeSync(fs.openSync(`${folder}/new/other`, 'wx'));
      fs.renameSync(`${folder}/new/file`, `${folder}/new/renamed`);
    }),
  );
  expect([targets.size, selves.size, there.size]).toEqual([0, 0, 0]);
});

test.each<[string, RegExp, (at: string) => unknown]>([
  ['a function that nobody expected', /cpSync was called/, (at) => fs.cpSync(`${at}/file`, `${at}/copy`)],
  ['a name in bytes', /no UTF-8/, (at) => readdirSync(Buffer.from(at))],
])('%s leaves it blind', (_name, why, look) => {
  expect(seenIn(() => look(folder))).toMatch(why);
});

test('a program or a server that was asked leaves it blind', () => {
  looks = watchLooks({ hasAskedBeyond: () => true });
  expect(looks.end()).toMatch(/programs or servers/);
});

test('afterwards node:fs is what it was', () => {
  const before = { ...fs };
  seenIn(() => statSync(folder));
  expect({ ...fs }).toEqual(before);
  expect(fs.statSync).toBe(statSync);
});
