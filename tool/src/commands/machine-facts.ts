import { existsSync, readFileSync } from 'node:fs';
import { arch } from 'node:os';
import { architectureOf } from '../config/architectures.ts';
import { InvalidInput } from '../config/diagnostic.ts';

/** A kernel for amd64 that runs programs for i386 has it. */
const RUNS_386 = '/proc/sys/abi/vsyscall32';

/**
 * As OCI names it. `LAYERS_ARCHITECTURE` says otherwise where programs are for another architecture than Node: in a container for i386 on
 * a kernel for amd64, say.
 */
export function machineArchitecture(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const told = env.LAYERS_ARCHITECTURE ?? '';
  if (told === '') return ({ x64: 'amd64', ia32: '386', ppc64: 'ppc64le' } as Record<string, string>)[arch()] ?? arch();
  const architecture = architectureOf(told);
  if (architecture === undefined) throw new InvalidInput(`LAYERS_ARCHITECTURE=${told} names no architecture`);
  return architecture;
}

/** What this machine builds without emulation; one that was told what it is builds that alone. */
export function nativeArchitectures(
  env: Readonly<Record<string, string | undefined>> = process.env,
): ReadonlySet<string> {
  const own = machineArchitecture(env);
  const isTold = (env.LAYERS_ARCHITECTURE ?? '') !== '';
  return new Set(own === 'amd64' && !isTold && existsSync(RUNS_386) ? [own, '386'] : [own]);
}

/** Debian's name for the release of this machine; nothing on other systems. */
export function hostSuite(): { hostSuite?: string } {
  try {
    const suite = /^VERSION_CODENAME="?([a-z]+)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
    return suite === undefined ? {} : { hostSuite: suite };
  } catch {
    return {};
  }
}
