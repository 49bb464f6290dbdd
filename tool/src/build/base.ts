import { withoutBindTargets } from './bind-targets.ts';
import type { Builder } from './builder.ts';
import { cmdSteps } from './cmds.ts';
import { copyfileSteps } from './copyfiles.ts';
import { openscapSteps } from './openscap.ts';
import type { PackageSteps } from './package-manager.ts';
import { collectRepositories } from './repositories.ts';
import { STEP_VERSIONS } from './versions.ts';

/** Makes a base layer: packages by their manager, then files, commands, and what OpenSCAP says of it. */
export function baseBuilder(manager: string, packageSteps: PackageSteps): Builder {
  return {
    stepVersion: STEP_VERSIONS[manager as keyof typeof STEP_VERSIONS],
    async build(target, workspace) {
      const parts = [packageSteps, copyfileSteps, cmdSteps, openscapSteps];
      const used = collectRepositories();
      await withoutBindTargets(target, async () => {
        for (const step of parts.flatMap((part) => part(target, workspace, used))) {
          await workspace.step(step.name, () => step.run());
        }
      });
      return { repositories: used.report() };
    },
  };
}
