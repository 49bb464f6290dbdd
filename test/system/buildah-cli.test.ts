import { expect, test } from 'vitest';
import { createBuildah } from '../../tool/src/system/buildah-cli.ts';
import { CommandFailure, type CommandOptions, type CommandResult } from '../../tool/src/system/command.ts';
import { containerName, isContainerOf } from '../../tool/src/system/container-name.ts';

interface Recorded {
  readonly argv: readonly string[];
  readonly options: CommandOptions;
}

/** An Exec that answers by what the arguments contain; an Error is thrown. */
function recorder(answers: Record<string, string | Error> = {}) {
  const calls: Recorded[] = [];
  const exec = async (file: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> => {
    calls.push({ argv: [file, ...args], options });
    const key = Object.keys(answers).find((part) => args.includes(part));
    const answer = key === undefined ? '' : answers[key]!;
    if (answer instanceof Error) throw answer;
    return result(answer);
  };
  return { exec, calls, argv: () => calls.map((call) => call.argv.join(' ')) };
}

function result(stdout: string, tail: string[] = []): CommandResult {
  return { argv: [], exitCode: tail.length > 0 ? 125 : 0, signal: null, durationMs: 1, stdout, tail };
}

const failing = (line: string) => new CommandFailure('exit', result('', [line]), line);
const settings = { isolation: 'chroot', runId: 'r1', layer: 'debian/base' } as const;

test('containers carry the run and the layer in names that never repeat', async () => {
  const { exec, argv } = recorder();
  const first = await createBuildah(exec, settings).from('scratch');
  const second = await createBuildah(exec, settings).from('quay.io/a:1', {
    pull: 'always',
    args: ['--tls-verify=false'],
  });
  expect(first).toMatch(/^layers-r1-\d+-debian\.base$/);
  expect(second).not.toBe(first);
  expect(argv()).toEqual([
    `buildah from --quiet --name ${first} --isolation chroot --pull=false -- scratch`,
    `buildah from --quiet --name ${second} --isolation chroot --pull=always --tls-verify=false -- quay.io/a:1`,
  ]);
});

test('what a failed start of a container left is removed at once, and the failure is its own', async () => {
  const { exec, argv } = recorder({ from: failing('no space left on device'), rm: failing('something else') });
  await expect(createBuildah(exec, settings).from('scratch')).rejects.toThrow('no space left on device');
  expect(argv().at(-1)).toMatch(/^buildah rm -- layers-r1-\d+-debian\.base$/);
});

test('arguments from layer files stay behind the container name', async () => {
  const { exec, argv } = recorder();
  const buildah = createBuildah(exec, { ...settings, globalArgs: ['--root', '/r'] });
  await buildah.run('c', ['sh', '-c', 'x'], { env: { A: '1' }, volumes: ['/a:/b'], extra: ['--user', 'u'] });
  await buildah.copy('c', ['-x'], '/d', ['--chmod', '600']);
  expect(argv()).toEqual([
    expect.stringMatching(
      /^buildah --root \/r run --isolation chroot --env A=1 --volume \/a:\/b --user u -- c \/bin\/sh -c [\s\S]* sh -c x$/,
    ),
    'buildah --root /r copy --quiet --chmod 600 -- c -x /d',
  ]);
});

test('under chroot isolation a shell keeps buildah until all was passed on; what is shown is what was asked for', async () => {
  const { exec, calls } = recorder();
  await createBuildah(exec, settings).run('c', ['sh', '-c', 'x'], { collect: false });
  const [{ argv, options }] = calls as [Recorded];
  const mark = options.relay!.mark;
  expect(argv.slice(-5)).toEqual(['layers-run', mark, 'sh', '-c', 'x']);
  expect(options).toEqual({
    collect: false,
    relay: { mark, shown: ['run', '--isolation', 'chroot', '--', 'c', 'sh', '-c', 'x'] },
  });
});

test('outside chroot isolation containers have the network of the host', async () => {
  const { exec, argv } = recorder();
  await createBuildah(exec, { ...settings, isolation: 'oci' }).run('c', ['true']);
  expect(argv()).toEqual(['buildah run --isolation oci --network host -- c true']);
});

test('credentials of registry options are told to exec as secrets', async () => {
  const { exec, calls } = recorder();
  const buildah = createBuildah(exec, settings);
  await buildah.from('a', { args: ['--creds=u:p1'] });
  await buildah.push('i', 'docker://r/i', ['--creds', 'u:p2']).catch(() => undefined);
  expect(calls.map((call) => call.options.secrets)).toEqual([['u:p1'], ['u:p2']]);
});

test('what is not there: undefined when asked for, no failure when removed', async () => {
  const { exec } = recorder({ inspect: failing('Error: x: image not known'), rm: failing('container not known') });
  const buildah = createBuildah(exec, settings);
  expect(await buildah.inspect('x')).toBeUndefined();
  await buildah.remove('x');
  const broken = createBuildah(recorder({ inspect: failing('permission denied') }).exec, settings);
  await expect(broken.inspect('x')).rejects.toThrow('permission denied');
});

test('a race with a removal elsewhere is tried again', async () => {
  const { exec, calls } = recorder({ commit: failing('layer not known') });
  await expect(createBuildah(exec, settings).commit('c')).rejects.toThrow('layer not known');
  expect(calls).toHaveLength(4);
});

test('whose a container is can be told from its name', () => {
  const name = containerName('r1', 7, 'a/b');
  expect(isContainerOf(name, 'r1')).toBe(true);
  expect(isContainerOf(name, 'r1', 'a/b')).toBe(true);
  expect(isContainerOf(name, 'r')).toBe(false);
  for (const other of ['a-b', 'a.b', 'a_b', 'b', 'a']) expect(isContainerOf(name, 'r1', other)).toBe(false);
});
