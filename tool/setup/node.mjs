import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root, SetupError } from './place.mjs';

const OLDEST = [22, 22];

/** The Node that runs everything but set-up itself: the one that came with the packages, else this one. Throws if too old. */
export function chooseNode() {
  const own = join(root, 'node_modules/.bin/node');
  // Where that binary does not start (another C library), the machine's own is asked.
  for (const node of existsSync(own) ? [own, process.execPath] : [process.execPath]) {
    const version = spawnSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout ?? '';
    const [major, minor] = version.split('.').map(Number);
    if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return node;
  }
  throw new SetupError(
    `needs Node ${OLDEST.join('.')} or newer, this is ${process.versions.node}, and npm has none for ` +
      `${process.platform}-${process.arch}: install one and run set-up again.`,
  );
}
