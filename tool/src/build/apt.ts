import { bootstrapSteps } from './apt-bootstrap.ts';
import { installSteps } from './apt-install.ts';
import type { PackageSteps } from './package-manager.ts';

/** Debian and its relatives: mmdebstrap on the host makes a root from scratch, apt-get inside goes on from a parent. */
export const aptSteps: PackageSteps = (target, workspace, used) =>
  target.fromScratch ? bootstrapSteps(target, workspace, used) : installSteps(target, workspace, used);
