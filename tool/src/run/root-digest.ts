import { relative } from 'node:path';
import { treeDigest } from '../build/content-digest.ts';
import { openscapResults } from '../build/openscap-settings.ts';
import { mayHoldLeftOut } from '../build/what-counts.ts';
import type { Layer } from '../config/layer.ts';
import { resolveInRoot } from '../system/in-root.ts';
import type { Workspace } from '../system/workspace.ts';

/** `treeDigest` of a layer's whole root. Files that the layer file itself puts where content is left out count by their sources. */
export async function digestRoot(
  layer: Layer,
  files: Readonly<Record<string, string>>,
  root: string,
  { exec, temporary, signal }: Workspace,
): Promise<string> {
  const isLeftOut = layer.copyfiles.some(({ dest }) => mayHoldLeftOut(dest));
  const dated = new Set<string>();
  for (const result of openscapResults(layer)) {
    const file = await resolveInRoot(root, result);
    if (file !== undefined) dated.add(Buffer.from(relative(root, file)).toString('latin1'));
  }
  return treeDigest({ root, declared: isLeftOut ? files : {}, dated, exec, temporary, signal });
}
