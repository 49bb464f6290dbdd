import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Workspace } from '../system/workspace.ts';
import { type AptSource, KEYRINGS } from './apt-sources.ts';
import type { BuildTarget } from './builder.ts';

/** Puts sources and keys into the image. */
export async function putSources(
  sources: readonly AptSource[],
  { container }: BuildTarget,
  { buildah, temporary }: Workspace,
): Promise<void> {
  const folder = path.join(temporary, 'apt-sources');
  await mkdir(folder, { recursive: true });
  const put = async (name: string, data: string | Buffer, place: string) => {
    await writeFile(path.join(folder, name), data);
    await buildah.copy(container, [path.join(folder, name)], `${place}/${name}`, ['--chmod', '0644']);
  };
  for (const { key, name, text } of sources) {
    if (key !== undefined) await put(key.name, key.data, KEYRINGS);
    await put(name, text(key === undefined ? undefined : `${KEYRINGS}/${key.name}`), '/etc/apt/sources.list.d');
  }
}
