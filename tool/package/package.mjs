// Makes what installs `layers` where there is no network and no Node: an archive, a .deb and an .rpm. Quick when all is there.
// Usage: node tool/package/package.mjs [--only archive|deb|rpm] [FOLDER]     FOLDER: default dist/ in the root
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { hashFiles, readIfThere, root, SetupError, since } from '../setup/place.mjs';
import { makeArchive } from './archive.mjs';
import { makeDeb } from './deb.mjs';
import { sourceDate, thisVersion } from './identity.mjs';
import { makeRpm } from './rpm.mjs';
import { stageTree, treeFiles } from './stage.mjs';

/** Each gives the names of the files that it wrote. */
const FORMATS = { archive: makeArchive, deb: makeDeb, rpm: makeRpm };

const say = (line) => process.stdout.write(`package: ${line}\n`);
try {
  const { formats, folder } = wanted(process.argv.slice(2));
  make(formats, folder);
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`package: ${error.message}\n`);
  process.exitCode = 1;
}

function wanted(args) {
  const { values, positionals } = parseArgs({ args, options: { only: { type: 'string' } }, allowPositionals: true });
  const formats = values.only === undefined ? Object.keys(FORMATS) : [values.only];
  const unknown = formats.find((name) => !Object.hasOwn(FORMATS, name));
  if (unknown !== undefined) throw new SetupError(`there is no ${unknown}; --only takes archive, deb or rpm.`);
  return { formats, folder: resolve(positionals[0] ?? join(root, 'dist')) };
}

function make(formats, folder) {
  const about = { version: thisVersion(), date: sourceDate(), architecture: process.arch };
  const stamp = hashFiles(treeFiles(), about);
  const stale = formats.filter((name) => {
    const { made, files } = before(folder, name);
    const fresh = made === stamp && files.every((file) => existsSync(join(folder, file)));
    if (fresh) for (const file of files) say(`${join(folder, file)} is up to date`);
    return !fresh;
  });
  if (stale.length === 0) return;
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, '.work-'));
  const tree = join(work, `layers-${about.version}-linux-${about.architecture}`);
  try {
    stageTree({ ...about, tree });
    for (const name of stale) {
      const start = performance.now();
      for (const file of before(folder, name).files) rmSync(join(folder, file), { force: true });
      const files = FORMATS[name]({ ...about, folder, work, tree });
      writeFileSync(join(folder, `.stamp-${name}`), [stamp, ...files].join('\n'));
      for (const file of files) say(`${join(folder, file)} (${since(start)})`);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What was made there last, and from what. */
function before(folder, name) {
  const [made, ...files] = readIfThere(join(folder, `.stamp-${name}`)).split('\n');
  return { made, files };
}
