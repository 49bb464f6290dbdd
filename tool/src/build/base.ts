import type { Layer } from '../config/layer.ts';
import type { Workspace } from '../system/workspace.ts';
import { withoutBindTargets } from './bind-targets.ts';
import type { Builder, BuildPart, BuildReport, BuildTarget } from './builder.ts';
import { cmdSteps } from './cmds.ts';
import { copyfileSteps } from './copyfiles.ts';
import { openscapSteps } from './openscap.ts';
import type { PackageSteps } from './package-manager.ts';
import { collectRepositories } from './repositories.ts';
import { STEP_VERSIONS } from './versions.ts';

/** Makes a base layer: packages by their manager, then files, commands, and what OpenSCAP says of it. */
export function baseBuilder(manager: string, packageSteps: PackageSteps): Builder {
  const last: PackageSteps = (target, workspace, used) => [
    ...cmdSteps(target, workspace),
    ...openscapSteps(target, workspace, used),
  ];
  const parts: readonly (BuildPart & { hasWork(layer: Layer, fromScratch: boolean): boolean })[] = [
    {
      name: 'packages',
      hasWork: (layer, fromScratch) => (fromScratch && manager === 'apt') || hasPackages(layer),
      // What is copied later is no part of this one.
      build: (target, workspace) =>
        doSteps([packageSteps], { ...target, layer: { ...target.layer, copyfiles: [] } }, workspace),
    },
    {
      name: 'files',
      hasWork: ({ copyfiles }) => copyfiles.length > 0,
      build: (target, workspace) => doSteps([copyfileSteps], target, workspace),
    },
    {
      name: 'commands',
      hasWork: ({ cmds, options: { install_scap, scap_benchmark, oval_eval } }) =>
        cmds.length > 0 || install_scap || scap_benchmark || oval_eval,
      build: (target, workspace) => doSteps([last], target, workspace),
    },
  ];
  return {
    stepVersion: STEP_VERSIONS[manager as keyof typeof STEP_VERSIONS],
    build: (target, workspace) => doSteps([packageSteps, copyfileSteps, last], target, workspace),
    parts: (layer, fromScratch) => parts.filter((part) => part.hasWork(layer, fromScratch)),
  };
}

async function doSteps(
  parts: readonly PackageSteps[],
  target: BuildTarget,
  workspace: Workspace,
): Promise<BuildReport> {
  const used = collectRepositories();
  await withoutBindTargets(target, async () => {
    for (const step of parts.flatMap((part) => part(target, workspace, used))) {
      await workspace.step(step.name, () => step.run());
    }
  });
  return { repositories: used.report() };
}

function hasPackages({ repos, exclusive_repos, modules, package_groups, packages, remove_packages }: Layer): boolean {
  const lists = [repos, exclusive_repos, package_groups, packages, remove_packages, ...Object.values(modules)];
  return lists.some((list) => list !== undefined && list.length > 0);
}
