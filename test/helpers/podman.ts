import type { ContainerStorage } from './container-storage.ts';

/** Podman as it starts containers on this machine; or why it does not. */
export interface Podman {
  readonly args: readonly string[];
  readonly whyNot?: string;
}

/** Runtimes in the order of podman's own choice: crun refuses machines that mount cgroups of both versions. */
const RUNTIMES = ['crun', 'runc'];

/** Below what podman asks for otherwise, which a machine may not grant even to root. */
const LIMITS = ['--ulimit=nofile=8192:8192', '--ulimit=nproc=8192:8192'];

/** Tries each runtime with `image`, which has `/bin/sh`. */
export async function findPodman(storage: ContainerStorage, image: string): Promise<Podman> {
  let whyNot = '';
  for (const runtime of RUNTIMES) {
    const args = ['--cgroup-manager=cgroupfs', `--runtime=${runtime}`, 'run', '--rm', '--network=host', ...LIMITS];
    const trial = [...args, '--entrypoint=/bin/sh', image, '-c', ':'];
    const { exitCode, tail } = await storage.exec('podman', trial, { quiet: true, accept: [0, 1, 125, 126, 127] });
    if (exitCode === 0) return { args };
    whyNot += `${runtime}: ${tail.at(-1)}\n`;
  }
  return { args: [], whyNot };
}
