import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';

/**
 * A clock for the racy rule: the system's, or the file system's where that is behind (a file server has a clock of its own).
 * Looks at `folder` once, when it is first asked; a folder that cannot be written leaves the system's clock.
 */
export function fileClock(folder: string): () => number {
  let behind: number | undefined;
  return () => {
    behind ??= lag(folder);
    return Date.now() - behind;
  };
}

function lag(folder: string): number {
  const probe = `${folder}/.clock-${process.pid}`;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(probe, '');
    const behind = Math.max(0, Date.now() - statSync(probe).mtimeMs);
    rmSync(probe);
    return behind;
  } catch {
    return 0;
  }
}
