import { readFileSync } from 'node:fs';

/** What keys ask for. */
export type WatchKey = 'rebuild' | 'why' | 'log' | 'shell' | 'quit';

const KEYS: Readonly<Record<string, WatchKey>> = { r: 'rebuild', w: 'why', l: 'log', s: 'shell', q: 'quit' };

/** The keyboard of a watch, while nobody else has it. */
export interface Keyboard {
  /** Gives the terminal as it was found to somebody else. */
  pause(): void;
  resume(): void;
}

/**
 * Single keys from a terminal, without Enter; elsewhere none. Ctrl-C, which a terminal in this mode does not turn into a signal, is one all
 * the same.
 */
export function openKeyboard(pressed: (key: WatchKey) => void): Keyboard {
  const { stdin } = process;
  if (!stdin.isTTY || !isInForeground()) return { pause: () => {}, resume: () => {} };
  const take = (data: Buffer): void => {
    for (const character of data.toString()) {
      if (character === '\x03') process.kill(process.pid, 'SIGINT');
      const key = KEYS[character];
      if (key !== undefined) pressed(key);
    }
  };
  const pause = (): void => {
    stdin.off('data', take);
    stdin.setRawMode(false);
    stdin.pause();
  };
  const resume = (): void => {
    stdin.setRawMode(true);
    stdin.on('data', take);
    stdin.resume();
  };
  // Also when the process ends in a way that nobody foresaw.
  process.once('exit', () => stdin.setRawMode(false));
  resume();
  return { pause, resume };
}

/** In the background (`layers watch &`) a process that touches the terminal's mode is stopped. */
function isInForeground(): boolean {
  try {
    // After the program's name in brackets: state, parent, process group, session, terminal, the terminal's foreground group.
    const stat = readFileSync('/proc/self/stat', 'utf8');
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return group === foreground;
  } catch {
    return true;
  }
}
