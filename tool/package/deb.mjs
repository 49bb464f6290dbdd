import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../setup/place.mjs';
import { runQuietly } from '../setup/run.mjs';
import { ARCHITECTURES, DESCRIPTION, SUMMARY } from './identity.mjs';
import { isThere } from './is-there.mjs';
import { aptNames, needsOf } from './needs.mjs';
import { settle } from './stage.mjs';

/** Node's own needs come first. */
const LIBRARIES = ['libc6 (>= 2.28)', 'libgcc-s1', 'libstdc++6'];
/** dpkg removes only what it installed. */
const POSTRM = `#!/bin/sh
set -e
rm -rf /usr/lib/layers/dist/.cache
find /usr/lib/layers -name __pycache__ -exec rm -rf {} + 2>/dev/null || :
`;

/** A package for Debian 12, Ubuntu 22.04 and later. Also under a name without version, which layers/builder.yaml copies. */
export function makeDeb({ tree, work, folder, version, date, architecture }) {
  if (!isThere('dpkg-deb')) throw new SetupError('no .deb can be made here: dpkg-deb is not installed.');
  const { deb } = ARCHITECTURES[architecture];
  const base = join(work, 'deb');
  const control = join(base, 'DEBIAN');
  mkdirSync(control, { recursive: true });
  renameSync(tree, join(base, 'usr'));
  const docs = join(base, 'usr/share/doc/layers');
  copyFileSync(join(docs, 'LICENSE'), join(docs, 'copyright'));
  const files = filesBelow(base, 'usr');
  const { required, recommended } = needsOf(aptNames);
  const fields = {
    Package: 'layers',
    Version: version,
    Architecture: deb,
    Maintainer: 'layers contributors <layers@localhost>',
    'Installed-Size': Math.ceil(files.reduce((sum, file) => sum + statSync(join(base, file)).size, 0) / 1024),
    Depends: [...LIBRARIES, ...required].join(', '),
    Recommends: recommended.join(', '),
    Section: 'admin',
    Priority: 'optional',
    Description: `${SUMMARY}\n ${DESCRIPTION}`,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\n`);
  writeFileSync(join(control, 'control'), lines.join(''));
  const sum = (file) =>
    createHash('md5')
      .update(readFileSync(join(base, file)))
      .digest('hex');
  writeFileSync(join(control, 'md5sums'), files.map((file) => `${sum(file)}  ${file}\n`).join(''));
  writeFileSync(join(control, 'postrm'), POSTRM);
  settle(base, date);
  chmodSync(join(control, 'postrm'), 0o755);
  const file = `layers_${version}_${deb}.deb`;
  // zstd: xz takes a minute for Node, and dpkg reads it since Debian 12.
  runQuietly(['dpkg-deb', '--root-owner-group', '-Zzstd', '-z9', '--build', base, join(folder, file)], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(date) },
    advice: 'Put right what dpkg-deb says.',
  });
  copyFileSync(join(folder, file), join(folder, 'layers.deb'));
  renameSync(join(base, 'usr'), tree);
  return [file, 'layers.deb'];
}

function filesBelow(base, folder) {
  return readdirSync(join(base, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(base.length + 1))
    .sort();
}
