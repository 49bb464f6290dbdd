import { bootstrapSteps } from './apt-bootstrap.ts';
import { installSteps } from './apt-install.ts';
import type { PackageSteps } from './package-manager.ts';

/** Debian and its relatives: mmdebstrap on the host makes a root from scratch, apt-get inside goes on from a parent. */
export const aptSteps: PackageSteps = (target, workspace) =>
  target.fromScratch ? bootstrapSteps(target, workspace) : installSteps(target, workspace);
