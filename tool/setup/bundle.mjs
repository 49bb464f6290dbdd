import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseNode } from './node.mjs';
import { hashFiles, readIfThere, root, say, since } from './place.mjs';
import { runQuietly } from './run.mjs';

const DIST = join(root, 'tool/dist');
const STAMP = join(DIST, '.stamp');
const ENTRY = 'main.cjs';
const KEPT_MS = 7 * 24 * 3600 * 1000;

/** Builds tool/dist when the sources are not those it was built from. */
export function buildBundle() {
  const stamp = hashFiles([
    ...sources('tool/src'),
    ...sources('tool/setup'),
    'tool/rolldown.config.mjs',
    'pnpm-lock.yaml',
  ]);
  if (readIfThere(STAMP) === stamp && existsSync(join(DIST, ENTRY))) return;
  const start = performance.now();
  say('building the tool');
  const fresh = join(DIST, `.new-${process.pid}`);
  const rolldown = join(root, 'tool/node_modules/rolldown/bin/cli.mjs');
  try {
    runQuietly([chooseNode(), rolldown, '--config', 'rolldown.config.mjs', '--dir', fresh], {
      cwd: join(root, 'tool'),
      advice: 'Put right what it says in tool/src.',
    });
    replace(fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  rmSync(join(DIST, '.cache'), { recursive: true, force: true });
  writeFileSync(STAMP, stamp);
  say(`built in ${since(start)}`);
}

// A build that runs for hours loads its chunks late: they stay, the entry that names them comes last, and what is old goes.
function replace(fresh) {
  mkdirSync(DIST, { recursive: true });
  const files = readdirSync(fresh);
  for (const file of files.filter((name) => name !== ENTRY)) renameSync(join(fresh, file), join(DIST, file));
  renameSync(join(fresh, ENTRY), join(DIST, ENTRY));
  for (const file of readdirSync(DIST)) {
    const path = join(DIST, file);
    const stale = file.endsWith('.cjs') && !files.includes(file) && Date.now() - statSync(path).mtimeMs > KEPT_MS;
    if (stale) rmSync(path);
  }
}

function sources(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(root.length + 1))
    .sort();
}
