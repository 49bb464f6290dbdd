import { normalize } from 'node:path/posix';
import { printable } from './check-destinations.ts';
import type { Check } from './check-layer.ts';
import { parseMount } from './mounts.ts';

/** What the kernel, and buildah, have there themselves. */
const TAKEN = /^\/(proc|sys|dev)(\/|$)/;

/** What is wrong with the text of a mount; whether its source is there is the machine's to say, and only when a step needs it. */
export function checkMounts({ layer, report }: Check): void {
  const { layer_type, connection, mounts } = layer.options;
  if (layer_type === 'ansible' && connection !== 'layers' && mounts.length > 0) {
    const message = `\`connection: ${connection}\` shows playbooks nothing of \`mounts\``;
    report(['options', 'connection'], { code: 'mounts-unseen', message, hint: 'leave `connection` out, or `mounts`' });
  }
  const seen = new Set<string>();
  for (const text of mounts) {
    const wrong = problemOf(text, seen);
    if (wrong === undefined) continue;
    const message = `The mount \`${printable(text)}\` ${wrong}`;
    const hint =
      'write `SRC:DEST`, or `SRC:DEST:rw` where steps have to write: `/etc/pki/entitlement:/etc/pki/entitlement`';
    report(['options', 'mounts'], { code: 'invalid-mount', message, hint, item: text });
  }
}

function problemOf(text: string, seen: Set<string>): string | undefined {
  if (/\p{Cc}/u.test(text)) return 'has a line break or control character in it';
  if (text.startsWith('-')) return 'begins with a dash';
  const mount = parseMount(text);
  if (mount === undefined) return 'is not a source and an absolute destination';
  if (mount.dest.split('/').includes('..')) return 'has a destination that goes through `..`';
  const dest = normalize(mount.dest).replace(/(.)\/+$/, '$1');
  if (dest === '/') return 'would hide the whole image';
  if (TAKEN.test(dest)) return 'has a destination that the kernel has for itself';
  if (seen.has(dest)) return 'has the destination of another one';
  seen.add(dest);
  return undefined;
}
