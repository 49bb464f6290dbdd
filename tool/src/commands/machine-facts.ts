import { readFileSync } from 'node:fs';
import { arch } from 'node:os';

/** As OCI names it. */
export function machineArchitecture(): string {
  return ({ x64: 'amd64', ia32: '386' } as Record<string, string>)[arch()] ?? arch();
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
