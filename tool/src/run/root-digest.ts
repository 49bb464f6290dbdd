import { relative } from 'node:path';
import { treeDigest } from '../build/content-digest.ts';
import { refuseUnknownUser } from '../build/image-user.ts';
import { openscapResults } from '../build/openscap-settings.ts';
import { mayHoldLeftOut } from '../build/what-counts.ts';
import type { Layer } from '../config/layer.ts';
import { resolveInRoot } from '../system/in-root.ts';
import type { Workspace } from '../system/workspace.ts';

/**
 * `treeDigest` of a layer's whole root. Files that the layer file itself puts where content is left out count by their sources. Throws
 * BuildFailure where the image's user is not in it.
 */
export async function digestRoot(
  layer: Layer,
  files: Readonly<Record<string, string>>,
  root: string,
  { exec, temporary, signal }: Workspace,
): Promise<string> {
  // Of a layer that is all a checkpoint; what is built was looked at before it was committed.
  const { user } = layer.image_config;
  if (user !== undefined) await refuseUnknownUser(user, root);
  const isLeftOut = layer.copyfiles.some(({ dest }) => mayHoldLeftOut(dest));
  const dated = new Set<string>();
  for (const result of openscapResults(layer)) {
    const file = await resolveInRoot(root, result);
    if (file !== undefined) dated.add(Buffer.from(relative(root, file)).toString('latin1'));
  }
  return treeDigest({ root, declared: isLeftOut ? files : {}, dated, exec, temporary, signal });
}
