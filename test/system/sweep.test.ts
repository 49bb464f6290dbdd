import { expect, test } from 'vitest';
import { CommandFailure, type CommandResult, type Exec } from '../../tool/src/system/command.ts';
import { containerName } from '../../tool/src/system/container-name.ts';
import { removeContainers } from '../../tool/src/system/sweep.ts';

const result = (stdout: string, exitCode = 0): CommandResult => ({
  argv: ['buildah'],
  exitCode,
  signal: null,
  durationMs: 0,
  stdout,
  tail: [],
});

/** A buildah whose listing fails so often, as it does when another program's container goes away while it looks. */
function failing(times: number): { exec: Exec; calls: string[] } {
  const calls: string[] = [];
  const exec: Exec = async (_file, args) => {
    calls.push(args.join(' '));
    if (calls.length <= times) throw new CommandFailure('exit', result('', 125), 'container not known');
    const names = [containerName('1-a', 1, 'x'), containerName('1-b', 1, 'x')];
    return result(args[0] === 'containers' ? JSON.stringify(names.map((containername) => ({ containername }))) : '');
  };
  return { exec, calls };
}

test('a listing that fails is asked for again, and only the own containers go', async () => {
  const { exec, calls } = failing(2);
  expect(await removeContainers(exec, { runId: '1-a' })).toEqual([containerName('1-a', 1, 'x')]);
  expect(calls.at(-1)).toBe(`rm -- ${containerName('1-a', 1, 'x')}`);
  expect(calls.length).toBe(4);
});

test('attempts end', async () => {
  const { exec, calls } = failing(100);
  await expect(removeContainers(exec, { runId: '1-a' })).rejects.toThrow('container not known');
  expect(calls.length).toBe(5);
});
