import { aptSteps } from './apt.ts';
import { dnfSteps } from './dnf.ts';
import type { PackageSteps } from './package-manager.ts';
import { zypperSteps } from './zypper.ts';

/** By the name that `pkg_manager` has. */
export const PACKAGE_MANAGERS: Readonly<Record<string, PackageSteps>> = {
  apt: aptSteps,
  dnf: dnfSteps,
  zypper: zypperSteps,
};
