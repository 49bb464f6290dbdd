import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A terminal of a test's own (tmux): its screen can be read as a user sees it. */
export class Terminal {
  readonly #socket = `layers-test-${randomUUID()}`;
  readonly #place: { readonly cwd?: string; readonly env?: Readonly<Record<string, string | undefined>> };

  /** @param place default this repository, with this process's environment */
  constructor(place: { readonly cwd?: string; readonly env?: Readonly<Record<string, string | undefined>> } = {}) {
    this.#place = place;
  }

  async open(columns: number, rows: number, command: string): Promise<void> {
    // The pane outlives the command, so that what it leaves behind can be looked at.
    await this.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', String(columns), '-y', String(rows), 'sh');
    await this.#tmux('send-keys', `PS1='$ '; clear; ${command}; echo "ended with $?"`, 'Enter');
  }

  async screen(): Promise<string> {
    return (await this.#tmux('capture-pane', '-p')).trimEnd();
  }

  /** All that was printed, also what went off the screen. */
  async history(): Promise<string> {
    return (await this.#tmux('capture-pane', '-p', '-J', '-S', '-')).trimEnd();
  }

  /** The first screen that holds `text`. */
  async until(text: string | RegExp, limit = 60_000): Promise<string> {
    return this.#wait(() => this.screen(), text, limit);
  }

  /** The first history that holds `text` in what came after `since` characters. */
  async said(text: string | RegExp, since = 0, limit = 60_000): Promise<string> {
    return this.#wait(async () => (await this.history()).slice(since), text, limit);
  }

  async cursorIsVisible(): Promise<boolean> {
    return (await this.#tmux('display-message', '-p', '#{cursor_flag}')).trim() === '1';
  }

  keys(...keys: string[]): Promise<unknown> {
    return this.#tmux('send-keys', ...keys);
  }

  resize(columns: number, rows: number): Promise<unknown> {
    return this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  async close(): Promise<void> {
    await this.#tmux('kill-server').catch(() => undefined);
  }

  async #wait(look: () => Promise<string>, text: string | RegExp, limit: number): Promise<string> {
    const end = Date.now() + limit;
    for (;;) {
      const seen = await look();
      if (typeof text === 'string' ? seen.includes(text) : text.test(seen)) return seen;
      if (Date.now() > end) throw new Error(`the terminal never showed ${text}:\n${seen}`);
      await sleep(30);
    }
  }

  async #tmux(...args: string[]): Promise<string> {
    const { cwd = ROOT, env = process.env } = this.#place;
    const own = { ...env, LC_ALL: 'C.UTF-8', TERM: 'xterm-256color' } as NodeJS.ProcessEnv;
    return (await exec('tmux', ['-u', '-L', this.#socket, ...args], { env: own, cwd })).stdout;
  }
}
