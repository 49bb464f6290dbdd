import type { Exec } from './command.ts';

/** So many paths a call: an argument list has an end. */
const AT_ONCE = 500;

/**
 * Bytes on disk of files and folders with all below them, by path. What is linked several times counts where it is met first; other file
 * systems that are mounted below do not count. What cannot be read, or goes meanwhile, counts as far as it was read.
 */
export async function diskUsage(paths: readonly string[], exec: Exec): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for (let start = 0; start < paths.length; start += AT_ONCE) {
    const some = paths.slice(start, start + AT_ONCE);
    const options = ['--summarize', '--one-file-system', '--block-size=1', '--null'];
    const { stdout } = await exec('du', [...options, '--', ...some], { quiet: true, accept: [0, 1] });
    for (const line of stdout.split('\0')) {
      const [bytes = '', path] = line.split('\t');
      if (path !== undefined) sizes.set(path, Number(bytes));
    }
  }
  return sizes;
}
