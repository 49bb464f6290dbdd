import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** What a step of set-up says when it cannot go on; shown without a stack. */
export class SetupError extends Error {}

// Standard error, so that `npm run -s layers -- plan --json` prints one document.
export function say(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

/** The text of a file, empty when it is not there. */
export function readIfThere(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

/** SHA-256 over the names and contents of `paths`, which are relative to the root. */
export function hashFiles(paths, ...more) {
  const hash = createHash('sha256').update(JSON.stringify(more));
  for (const path of paths) {
    const content = readFileSync(join(root, path));
    hash.update(`\n${path}\n${content.length}\n`).update(content);
  }
  return hash.digest('hex');
}

/** Seconds since `start`, which is from `performance.now()`, for people. */
export function since(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`;
}
