import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashFiles, readIfThere, root, say, since } from './place.mjs';
import { runQuietly } from './run.mjs';

const PNPM = 'pnpm@12.21.0';
const STAMP = join(root, 'node_modules/.layers-set-up');
const DECIDES = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', 'tool/package.json', 'test/package.json'];
const INSTALLED = ['node_modules/.bin/layers', 'tool/node_modules', 'test/node_modules'];

/** Installs what the lock file says, Node among it; does nothing when that has been done for this very lock file. */
export function installNodePackages() {
  const stamp = hashFiles(DECIDES, PNPM, process.platform, process.arch);
  if (readIfThere(STAMP) === stamp && INSTALLED.every((path) => existsSync(join(root, path)))) return;
  const start = performance.now();
  say('installing Node packages');
  runQuietly(['npm', 'exec', '--yes', '--package', PNPM, '--', 'pnpm', 'install', '--frozen-lockfile'], {
    advice: "Check npm's registry settings and the network, then run set-up again.",
  });
  writeFileSync(STAMP, stamp);
  say(`Node packages installed in ${since(start)}`);
}
