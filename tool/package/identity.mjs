import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../setup/place.mjs';

/** What decides the content of a package, as paths of the repository. */
const DECIDES = ['tool', 'docs', 'LICENSE', 'README.md', 'CHANGELOG.md', 'pnpm-lock.yaml'];

export const SUMMARY = 'Builds the OS images of HPC nodes, layer by layer';
export const DESCRIPTION =
  'Brings every published image in line with a tree of layer files: packages, files and Ansible playbooks over buildah, ' +
  'published to registries, S3 or folders. Does only the work that a change makes necessary. Carries its own Node.';

/** Names of this machine's architecture, Node's first. */
export const ARCHITECTURES = {
  x64: { deb: 'amd64', rpm: 'x86_64' },
  arm64: { deb: 'arm64', rpm: 'aarch64' },
};

/** The version of the tool. */
export function thisVersion() {
  return JSON.parse(readFileSync(join(root, 'tool/package.json'), 'utf8')).version;
}

/**
 * Seconds: the time of every packaged file. Equal for equal sources, so that equal sources give equal packages, and later for later
 * ones, as Python takes a cached module for fresh by its source's time. SOURCE_DATE_EPOCH wins.
 */
export function sourceDate() {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined && /^[0-9]+$/.test(given)) return Number(given);
  const { stdout } = spawnSync('git', ['log', '-1', '--format=%ct', '--', ...DECIDES], { cwd: root, encoding: 'utf8' });
  return Number(stdout) || Math.floor(Date.parse('2026-01-01T00:00:00Z') / 1000);
}
