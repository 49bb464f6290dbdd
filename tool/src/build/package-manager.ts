import type { Workspace } from '../system/workspace.ts';
import { BuildFailure, type BuildTarget } from './builder.ts';
import type { UsedRepositories } from './repositories.ts';

/** A part of a build, shown and timed under its name. */
export interface BuildStep {
  readonly name: string;
  run(): Promise<void>;
}

/**
 * A package manager's part of a base layer: the steps from repositories to removed packages, in order, those without work
 * left out. Nothing of them stays in the image but what was installed and the repositories. What installs adds to `used` the
 * metadata of each repository it had, inherited ones included.
 */
export type PackageSteps = (target: BuildTarget, workspace: Workspace, used: UsedRepositories) => BuildStep[];

/** Whether a package manager works on the mounted root, from this machine or from a tools image, and not inside. */
export function isOutside({ layer, fromScratch, tools }: BuildTarget): boolean {
  return tools !== undefined || fromScratch || layer.options.force_installroot;
}

/** The names if none would be taken for an option by a package manager. Throws BuildFailure. */
export function packageNames(key: string, names: readonly string[]): readonly string[] {
  for (const name of names) {
    if (name.startsWith('-') || name.trim() === '' || name.includes('\n')) {
      throw new BuildFailure(`${key}: ${JSON.stringify(name)} is not a package name`);
    }
  }
  return names;
}

/** A step if there is something for it. */
export function stepIf(hasWork: boolean, name: string, run: () => Promise<void>): BuildStep[] {
  return hasWork ? [{ name, run }] : [];
}
