import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../setup/place.mjs';
import { runQuietly } from '../setup/run.mjs';
import { ARCHITECTURES, DESCRIPTION, SUMMARY } from './identity.mjs';
import { isThere } from './is-there.mjs';
import { needsOf, rpmNames } from './needs.mjs';

/** Off: what rpmbuild would do to files (strip Node, compile Python), and what would tell of this machine. */
const MACROS = {
  __os_install_post: '%{nil}',
  debug_package: '%{nil}',
  _build_id_links: 'none',
  _buildhost: 'layers',
  use_source_date_epoch_as_buildtime: '1',
  clamp_mtime_to_source_date_epoch: '1',
  // xz takes a minute for Node; rpm of EL 8 and of SUSE 15 reads zstd.
  _binary_payload: 'w9.zstdio',
};

/** A package for EL 8, SUSE 15 and later. */
export function makeRpm({ tree, work, folder, version, date, architecture }) {
  if (!isThere('rpmbuild')) throw new SetupError('no .rpm can be made here: rpmbuild is not installed.');
  const { rpm } = ARCHITECTURES[architecture];
  const { required, recommended } = needsOf(rpmNames);
  const top = join(work, 'rpm');
  mkdirSync(top);
  const spec = join(top, 'layers.spec');
  writeFileSync(
    spec,
    [
      ...['Name: layers', `Version: ${version}`, 'Release: 1', `Summary: ${SUMMARY}`, 'License: MIT'],
      // Of Node's needs, the C library's age matters. Programs in docs and Python files ask for nothing.
      ...['AutoReqProv: no', 'Requires: glibc >= 2.28', 'Requires: (libstdc++ or libstdc++6)'],
      ...required.map((name) => `Requires: ${name}`),
      ...recommended.map((name) => `Recommends: ${name}`),
      '%description',
      DESCRIPTION,
      '%install',
      'mkdir -p %{buildroot}',
      `cp -a '${tree}' %{buildroot}/usr`,
      '%postun',
      'if [ "$1" = 0 ]; then rm -rf /usr/lib/layers; fi',
      '%files',
      '%defattr(-,root,root)',
      ...['/usr/bin/layers', '/usr/bin/image-build', '/usr/lib/layers', '/usr/share/doc/layers', ''],
    ].join('\n'),
  );
  const file = `layers-${version}-1.${rpm}.rpm`;
  const all = { ...MACROS, _topdir: top, _tmppath: work, _rpmdir: folder, _rpmfilename: file, _docdir_fmt: '%{NAME}' };
  const macros = Object.entries(all).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  runQuietly(['rpmbuild', '-bb', '--target', `${rpm}-linux`, ...macros, spec], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(date) },
    advice: 'Put right what rpmbuild says.',
  });
  return [file];
}
