import type { Exec } from '../system/command.ts';

/** Set by the host's storage or policy, not by the build. */
const NOT_CONTENT = /^(trusted\.overlay\.|user\.overlay\.|security\.selinux=)/;

/**
 * Extended attributes (capabilities and ACLs among them) of everything below `root`: path (latin1, relative) → sorted
 * `name=0xHEX` lines. Files without any are absent. Throws CommandFailure where getfattr fails.
 */
export async function extendedAttributes(options: {
  readonly root: string;
  readonly exec: Exec;
}): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const args = ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '.'];
  // 1 is also said for a file that vanished or has none to read, such as a socket: what is there was printed.
  const { stdout } = await options.exec('getfattr', args, { cwd: options.root, quiet: true, accept: [0, 1] });
  for (const block of stdout.split('\n\n')) {
    const [title, ...lines] = block.split('\n');
    const path = title?.match(/^# file: (.*)$/)?.[1];
    const kept = lines.filter((line) => line !== '' && !NOT_CONTENT.test(line)).sort();
    if (path !== undefined && kept.length > 0) found.set(fromOctal(path), kept.join('\n'));
  }
  return found;
}

/** getfattr writes bytes it cannot show as `\ooo`. */
export function fromOctal(path: string): string {
  const plain = Buffer.from(path, 'utf8').toString('latin1');
  return plain.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
