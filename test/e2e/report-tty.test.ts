import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { Terminal } from '../helpers/terminal.ts';
import { playCommand } from '../report/play.ts';

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
