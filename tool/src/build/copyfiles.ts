import type { CopyFile } from '../config/schema.ts';
import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import { type BuildStep, stepIf } from './package-manager.ts';

/** Copies what the layer file lists, in its order; `buildah copy` resolves every link inside the root. */
export function copyfileSteps(target: BuildTarget, workspace: Workspace): BuildStep[] {
  const { copyfiles } = target.layer;
  return stepIf(copyfiles.length > 0, 'copyfiles', async () => {
    for (const [index, file] of copyfiles.entries()) {
      workspace.progress(file.dest, index, copyfiles.length);
      await workspace.buildah.copy(target.container, [target.resolve(file.src)], destination(file), file.opts);
    }
  });
}

function destination({ src, dest }: CopyFile): string {
  if (dest.split('/').includes('..'))
    throw new BuildFailure(`copyfiles: the destination ${dest} of ${src} leads upwards`);
  return dest;
}
