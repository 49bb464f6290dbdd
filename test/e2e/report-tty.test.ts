import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { playCommand } from '../report/play.ts';

const exec = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A terminal of our own: its screen can be read as a user sees it. */
class Terminal {
  readonly #socket = `layers-test-${randomUUID()}`;

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
  async until(text: string | RegExp, limit = 20_000): Promise<string> {
    const end = Date.now() + limit;
    for (;;) {
      const screen = await this.screen();
      if (typeof text === 'string' ? screen.includes(text) : text.test(screen)) return screen;
      if (Date.now() > end) throw new Error(`the screen never showed ${text}:\n${screen}`);
      await sleep(30);
    }
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

  async #tmux(...args: string[]): Promise<string> {
    const env = { ...process.env, LC_ALL: 'C.UTF-8', TERM: 'xterm-256color' };
    return (await exec('tmux', ['-u', '-L', this.#socket, ...args], { env, cwd: ROOT })).stdout;
  }
}

let terminal: Terminal | undefined;
afterEach(() => terminal?.close());

describe.each([
  [80, 24],
  [120, 30],
])('on %i × %i', (columns, rows) => {
  test('a line a layer while it runs, the summary in its place', async () => {
    terminal = new Terminal();
    await terminal.open(columns, rows, playCommand('failing', 20));
    const running = await terminal.until('Setting up libc6');
    expect(running.split('\n').map((line) => line.replace(/^[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/, '*').replace(/\d+ s/g, 'N s'))).toEqual([
      '✔ debian/login  published        1.N s  231.4 MB  new tag 12.1',
      expect.stringMatching(/^\* debian\/base {3}packages +N s {2}Setting up libc6:amd64 \(2\.36-9\+deb12u/),
      '',
      '  1 running, 3 waiting, 1 published, N s',
    ]);
    expect(await terminal.cursorIsVisible()).toBe(false);
    await terminal.until('ended with 0');
    expect(await terminal.cursorIsVisible()).toBe(true);
    const all = await terminal.history();
    expect(all).toContain(
      'https://s3.example.org/boot-images/efi-images/compute/debian-kernel-12/vmlinuz-6.1.0-30-cloud-amd64',
    );
    expect(all).toContain('2 built, 1 published, 1 unchanged, 1 failed, 1 skipped');
    // No frame of the live view is left behind.
    expect(all).not.toMatch(/running,|waiting,|[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/);
  });
});

test('what is being ended after an interruption', async () => {
  terminal = new Terminal();
  await terminal.open(80, 24, playCommand('interrupted', 1));
  const screen = await terminal.until('stopping:');
  expect(screen).toMatch(/el9\/base +ending +\d+ s {2}packages/);
  expect(screen).toMatch(/el9\/login +ending +\d+ s {2}cmds/);
  expect(await terminal.until('ended with 0')).toContain('interrupted by SIGINT');
  expect(await terminal.cursorIsVisible()).toBe(true);
});

test('a program that is ended in the middle leaves a usable terminal', async () => {
  terminal = new Terminal();
  await terminal.open(80, 24, playCommand('failing', 5));
  await terminal.until('running');
  await terminal.keys('C-c');
  await terminal.until(/\^C\n\$/);
  expect(await terminal.cursorIsVisible()).toBe(true);
});

test('a terminal that changes its width', async () => {
  terminal = new Terminal();
  await terminal.open(120, 24, playCommand('failing', 10));
  await terminal.until('Setting up libc6');
  await terminal.resize(70, 20);
  await sleep(400);
  await terminal.resize(100, 20);
  await sleep(400);
  const lines = (await terminal.screen()).split('\n');
  expect(lines.filter((line) => line.includes('debian/base'))).toHaveLength(1);
  expect(lines.filter((line) => line.includes('running'))).toHaveLength(1);
});
