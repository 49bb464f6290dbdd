import { basename, dirname, join } from 'node:path';
import { runQuietly } from '../setup/run.mjs';

/** The tree for any place: unpacked, `bin/layers` works from wherever it is linked. */
export function makeArchive({ tree, folder, date }) {
  const file = `${basename(tree)}.tar.gz`;
  const owner = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${date}`];
  // Every machine has gzip, and it writes neither name nor time of what it reads from a pipe.
  const format = ['--format=gnu', '--use-compress-program=gzip -6'];
  runQuietly(
    ['tar', '--create', `--file=${join(folder, file)}`, ...owner, ...format, '-C', dirname(tree), basename(tree)],
    { advice: 'Put right what tar says.' },
  );
  return [file];
}
