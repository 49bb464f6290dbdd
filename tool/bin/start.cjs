'use strict';

// What both programs share. CommonJS, because that starts faster than ESM here (tool/README.md has the figures).
const { existsSync } = require('node:fs');
const { enableCompileCache } = require('node:module');
const { join } = require('node:path');

const OLDEST = [22, 22];

/** Runs `program`, which is `layers` or `image-build`; ends with exit code 2 where set-up has not been run. */
exports.start = (program) => {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    refuse(program, `needs Node ${OLDEST.join('.')} or newer, this is ${process.versions.node}. 'npm run setup' in`);
    return;
  }
  if (process.env.LAYERS_SOURCES === '1') {
    void import('../src/main.ts').then((sources) => sources.main(program));
    return;
  }
  if (program === 'layers' && process.argv[2] === 'build' && isAtRest()) return;
  const bundle = join(__dirname, '../dist/main.cjs');
  // Beside the bundle, not in /tmp: whoever can write the cache decides what runs.
  enableCompileCache(join(__dirname, '../dist/.cache'));
  let main;
  try {
    ({ main } = require(bundle));
  } catch (error) {
    if (existsSync(bundle)) throw error;
    refuse(program, `is not built yet. 'npm run setup' in`);
    return;
  }
  main(program);
};

/** Whether there is nothing to do, and that was said; a bundle that is not there is the other path's to complain about. */
function isAtRest() {
  try {
    return require('../dist/at-rest.cjs').isAtRest(process.argv.slice(2));
  } catch {
    return false;
  }
}

function refuse(program, what) {
  process.stderr.write(`${program}: ${what} ${join(__dirname, '../..')} puts that right.\n`);
  process.exitCode = 2;
}
