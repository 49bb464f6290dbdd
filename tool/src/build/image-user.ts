import { readFile } from 'node:fs/promises';
import { nearest } from '../config/nearest.ts';
import { regularFileInRoot } from '../system/in-root.ts';
import { BuildFailure } from './builder.ts';

/**
 * Runtimes look a name up in the image's own files when a container starts, and then it is too late; a number needs no entry there.
 * @param user `USER` or `USER:GROUP`, as a layer file says it; without one it is root
 * @param root a finished image's, mounted
 * @throws BuildFailure for a name that is not there
 */
export async function refuseUnknownUser(user: string | undefined, root: string): Promise<void> {
  if (user === undefined) return;
  const [name = '', group] = user.split(':');
  await refuseUnknown({ what: 'user', name, file: '/etc/passwd', program: 'useradd' }, root);
  if (group !== undefined)
    await refuseUnknown({ what: 'group', name: group, file: '/etc/group', program: 'groupadd' }, root);
}

interface Looked {
  readonly what: 'user' | 'group';
  readonly name: string;
  /** Its first field is the name. */
  readonly file: string;
  readonly program: string;
}

async function refuseUnknown({ what, name, file, program }: Looked, root: string): Promise<void> {
  if (/^\d+$/.test(name)) return;
  const path = await regularFileInRoot(root, file);
  const lines = path === undefined ? [] : (await readFile(path, 'latin1')).split('\n');
  const names = lines.map((line) => line.split(':', 1)[0] ?? '').filter((one) => one !== '');
  if (names.includes(Buffer.from(name).toString('latin1'))) return;
  const lack = path === undefined ? `the image has no ${file}` : `${file} of the image has no \`${name}\``;
  const near = nearest(name, names);
  throw new BuildFailure(`image_config.user: ${lack}, and no container of it would start as that ${what}`, {
    hint: `${near === undefined ? '' : `did you mean \`${near}\`? Otherwise `}make it in the layer (cmds: ['${program} --system ${name}']), or give a number, which needs no entry`,
  });
}
