import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** Top of this repository. */
export const REPOSITORY = path.resolve(import.meta.dirname, '../..');
/** What users call. */
export const LAYERS = path.join(REPOSITORY, 'node_modules/.bin/layers');
export const IMAGE_BUILD = path.join(REPOSITORY, 'node_modules/.bin/image-build');

/** Against which everything is measured: the Node that runs `layers`, doing nothing. */
export const NODE_ALONE = { name: 'node -e 0', argv: [process.execPath, '-e', '0'] } as const;

/** Whether the bundle that `.bin/layers` runs is older than its sources: then figures would be of another program. */
export function isBundleOld(): boolean {
  const built = statSync(path.join(REPOSITORY, 'tool/dist/main.cjs'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = path.join(REPOSITORY, 'tool/src');
  const names = readdirSync(sources, { recursive: true, encoding: 'utf8' });
  return names.some((name) => name.endsWith('.ts') && statSync(path.join(sources, name)).mtimeMs > built);
}
