import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** What `tool/ansible/callback_plugins/layers_events.py` writes. */
export type AnsibleEvent =
  | { readonly event: 'playbook'; readonly total: number | null }
  | { readonly event: 'play' | 'task' | 'handler'; readonly name: string }
  | { readonly event: 'no_hosts' }
  | {
      readonly event: 'failed' | 'unreachable';
      readonly task: string;
      readonly path: string;
      readonly message: string;
    };

const POLL_MS = 100;

/** Reads a growing file of events while `work` runs, and what is left of it afterwards. The file must exist. */
export async function followEvents<T>(
  file: string,
  onEvent: (event: AnsibleEvent) => void,
  work: () => Promise<T>,
): Promise<T> {
  const handle = await open(file, 'r');
  const done = new AbortController();
  let rest = '';
  const drain = async () => {
    const buffer = Buffer.alloc(64 * 1024);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return;
      const lines = (rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
      rest = lines.pop() ?? '';
      // JSON is written in ASCII.
      for (const line of lines) onEvent(JSON.parse(line) as AnsibleEvent);
    }
  };
  const following = (async () => {
    while (!done.signal.aborted) {
      await drain();
      await sleep(POLL_MS, undefined, { signal: done.signal }).catch(() => undefined);
    }
  })();
  try {
    return await work();
  } finally {
    done.abort();
    // `await using` would be shorter, and Node 22 does not know it.
    try {
      await following;
      await drain();
    } finally {
      await handle.close();
    }
  }
}
