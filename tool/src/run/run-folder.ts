import { randomBytes } from 'node:crypto';
import { appendFileSync, closeSync, existsSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { LayerId } from '../config/layer.ts';
import { writeFileAtomic } from '../system/files.ts';
import type { RunEvent, RunSummary } from './events.ts';

/** `20261124-155341-3f9c`: sorts by time, is unique, and is safe in names of files and containers. */
export function newRunId(now: Date): string {
  const stamp = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${stamp}-${randomBytes(2).toString('hex')}`;
}

/** The run's own folder for temporary files; absolute. */
export function makeTemporary(root: string, runId: string): string {
  // Of a read-only file system Node says ENOENT when it may make the folders above as well.
  if (!existsSync(root)) mkdirSync(root, { recursive: true });
  const temporary = join(root, `layers-${runId}`);
  mkdirSync(temporary, { mode: 0o700 });
  return temporary;
}

/** What a run leaves behind under `<stateDir>/runs/<runId>`: its events, a log a layer, and the summary. */
export interface RunFolder {
  readonly path: string;
  event(event: RunEvent): void;
  openLog(id: LayerId): LayerLog;
  finish(summary: RunSummary): Promise<void>;
}

export interface LayerLog {
  /** File name within the run's folder. */
  readonly name: string;
  line(text: string): void;
  /** A file beside it, `<name without .log>.<name>`; another of that name is replaced. */
  keep(name: string, content: Uint8Array): void;
  close(): void;
}

/**
 * Creates the folder. Throws what the file system throws; later a full disk takes lines from the logs, which `onLost` says once, and
 * nothing else.
 */
export function createRunFolder(stateDir: string, runId: string, onLost: (message: string) => void): RunFolder {
  const path = join(stateDir, 'runs', runId);
  // Logs can hold what a command printed: not for everybody on the machine.
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const events = join(path, 'events.jsonl');
  let isLost = false;
  const keep = (write: () => void): void => {
    try {
      write();
    } catch (error) {
      if (!isLost) onLost(`${path} cannot be written to, so logs have gaps: ${(error as Error).message}`);
      isLost = true;
    }
  };
  return {
    path,
    event(event) {
      // A layer's output is in its log; twice would be twice the disk.
      if (event.type === 'output' || event.type === 'progress') return;
      keep(() => appendFileSync(events, `${JSON.stringify(event)}\n`));
    },
    openLog(id) {
      const stem = encodeURIComponent(id);
      const name = `${stem}.log`;
      const fd = openSync(join(path, name), 'a', 0o600);
      return {
        name,
        line: (text) => keep(() => void writeSync(fd, `${text}\n`)),
        keep: (file, content) => keep(() => writeFileSync(join(path, `${stem}.${file}`), content, { mode: 0o600 })),
        close: () => closeSync(fd),
      };
    },
    async finish(summary) {
      await writeFileAtomic(join(path, 'summary.json'), `${JSON.stringify(summary)}\n`);
    },
  };
}
