import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';

/** File systems of the kernel's: Node tries for ever to make a folder there (`mkdir` says ENOENT although the folder above is there). */
const KERNELS = /^\/(proc|sys)(\/|$)/;

/** Throws InvalidInput where a state folder can never be. One that cannot be written to is told when something is to be written. */
export function refuseUnusableState(stateDir: string): void {
  let there = stateDir;
  while (statSync(there, { throwIfNoEntry: false }) === undefined && dirname(there) !== there) there = dirname(there);
  const hint = '--state DIR keeps records, logs and caches in another folder';
  if (!statSync(there).isDirectory())
    throw new InvalidInput(`${stateDir} cannot be made: ${there} is not a folder`, { hint });
  if (KERNELS.test(realpathSync(there)))
    throw new InvalidInput(`${stateDir} cannot be made: ${there} is the kernel's`, { hint });
}
