import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { endProcesses, listProcesses } from '../../tool/src/system/processes.ts';

test('a process that got the pid of one that was found is left alone', async () => {
  const child = spawn('sleep', ['100'], { stdio: 'ignore' });
  try {
    const entry = listProcesses().find(({ pid }) => pid === child.pid)!;
    expect(await endProcesses(() => [{ ...entry, started: '1' }], 0)).toEqual([]);
    expect(listProcesses()).toContainEqual(entry);
    expect(await endProcesses(() => [entry], 1000)).toEqual([]);
    expect(listProcesses().some(({ pid }) => pid === child.pid)).toBe(false);
  } finally {
    child.kill('SIGKILL');
  }
});
