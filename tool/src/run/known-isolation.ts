import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Buildah } from '../system/buildah.ts';
import type { Exec } from '../system/command.ts';
import { writeFileAtomic } from '../system/files.ts';
import { probeIsolation } from '../system/isolation.ts';

interface Known {
  /** What was probed holds until the machine boots again or the user asks for another one. */
  readonly boot: string;
  readonly wish: string;
  readonly isolation: Buildah['isolation'];
}

/** Probed once a boot, a second or two, and then remembered under the state folder. */
export async function knownIsolation(
  stateDir: string,
  exec: Exec,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Buildah['isolation']> {
  const file = join(stateDir, 'cache', 'isolation.json');
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const wish = `${env.BUILDAH_ISOLATION ?? ''} uid ${process.getuid?.() ?? 0}`;
  try {
    const known = JSON.parse(readFileSync(file, 'utf8')) as Known;
    if (known.boot === boot && known.wish === wish) return known.isolation;
  } catch {
    // Nothing known, or nothing readable: probe.
  }
  const isolation = await probeIsolation(exec, { env });
  mkdirSync(dirname(file), { recursive: true });
  await writeFileAtomic(file, JSON.stringify({ boot, wish, isolation } satisfies Known));
  return isolation;
}
