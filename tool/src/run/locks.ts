import { hostname } from 'node:os';
import { join } from 'node:path';
import type { LayerId } from '../config/layer.ts';
import { createExec } from '../system/exec.ts';
import { type HeldLock, type Holder, readHolder, tryLock, waitForLock } from '../system/lock.ts';
import type { LayerWork } from './work-on-layer.ts';

/** Another run has the layer, and the user asked not to wait. */
class LayerLocked extends Error {
  override readonly name = 'LayerLocked';
  readonly hint = "'--lock wait' waits for it";
}

/**
 * Takes the layer's lock, which two runs on one tree never hold together. Waits, saying for whom, or throws LayerLocked; rejects
 * with the run's abort.
 */
export async function lockLayer(
  work: Pick<LayerWork, 'place' | 'locks' | 'whenLocked'>,
  id: LayerId,
): Promise<HeldLock> {
  const { place } = work;
  const file = join(work.locks, `${encodeURIComponent(id)}.lock`);
  const holder: Holder = { host: hostname(), pid: process.pid, runId: place.runId };
  const lock = tryLock(file, holder);
  if (lock !== undefined) return lock;
  const other = readHolder(file);
  const who = other === undefined ? 'another run' : `process ${other.pid} on ${other.host} (run ${other.runId})`;
  if (work.whenLocked === 'fail') throw new LayerLocked(`${id} is being built by ${who}`);
  place.emit({ type: 'warning', id, message: `waiting for ${who}, which is building it` });
  const waiting = (fd: number) => createExec({ env: place.environment, lockFds: [fd], signal: place.signal });
  return waitForLock(file, holder, waiting);
}
