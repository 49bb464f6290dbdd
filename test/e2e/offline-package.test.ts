import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createExec } from '../../tool/src/system/exec.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const exec = createExec({ env: { ...process.env } });
const run = async (program: string, ...args: string[]) => (await exec(program, args, { quiet: true })).stdout;

let folder: string;
let made: string[];
const at = (name: string) => path.join(folder, name);
const named = (end: string) => at(`made/${made.find((name) => name.endsWith(end))}`);

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'layers-offline-'));
  await packageTo('made');
  made = (await readdir(at('made'))).filter((name) => name.startsWith('layers'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const packageTo = (name: string, ...only: string[]) =>
  run(process.execPath, path.join(ROOT, 'tool/package/package.mjs'), ...only, at(name));

/** Runs a program with neither network nor Node in PATH, as nobody: exit code and output. */
async function bare(program: string, ...args: string[]): Promise<[number | null, string]> {
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
  const argv = [
    '--net',
    'setpriv',
    ...nobody,
    'env',
    '-i',
    `PATH=/usr/bin:/bin`,
    'HOME=/nonexistent',
    program,
    ...args,
  ];
  const { exitCode, stdout, tail } = await exec('unshare', argv, { quiet: true, accept: [0, 1, 2] });
  return [exitCode ?? null, stdout + tail.join('\n')];
}

test('the archive works from any place, through a link, without network and Node', async () => {
  await mkdir(at('opt'));
  await run('tar', '--extract', '--file', named('.tar.gz'), '--directory', at('opt'), '--no-same-owner');
  await run('chmod', '0755', folder);
  const [unpacked = ''] = await readdir(at('opt'));
  expect(unpacked).toMatch(/^layers-\d+\.\d+\.\d+-linux-(x64|arm64)$/);
  await mkdir(at('links'));
  for (const program of ['layers', 'image-build']) {
    await run('ln', '-s', at(`opt/${unpacked}/bin/${program}`), at(`links/${program}`));
    expect(await bare(at(`links/${program}`), '--version')).toEqual([0, expect.stringMatching(`${program} \\d`)]);
  }
  await mkdir(at('tree/layers'), { recursive: true });
  await writeFile(at('tree/layers/odd.yaml'), 'options: {layer_type: base, colour: red}\n');
  const [code, output] = await bare(at('links/layers'), 'validate', '--root', at('tree'));
  expect([code, output]).toEqual([2, expect.stringContaining('layers/odd.yaml:1:29')]);
  // What Ansible is called with is there, and what it compiles here is not.
  const files = await run('find', at(`opt/${unpacked}`), '-type', 'f', '-printf', '%P %m\n');
  expect(files).toMatch(/^lib\/layers\/ansible\/callback_plugins\/layers_events\.py 644$/m);
  expect(files).not.toMatch(/__pycache__|\.stamp|\.cache/);
});

test('licences of all that is carried are passed on', async () => {
  const [unpacked = ''] = await readdir(at('opt'));
  const notices = await readFile(at(`opt/${unpacked}/share/doc/layers/THIRD-PARTY-NOTICES`), 'utf8');
  for (const name of ['node-linux-', 'execa ', 'zod ', '@aws-sdk/client-s3 ', '@smithy/core ', 'signal-exit ']) {
    expect(notices).toContain(`\n${name}`);
  }
  expect(notices).not.toMatch(/\(licence below\)\n\nCopyright/);
});

test('the .deb asks for what a build needs and brings only its own', async () => {
  const deb = named('.deb');
  const fields = await run('dpkg-deb', '--field', deb);
  expect(fields).toMatch(/^Depends: .*\bbuildah\b.*\bskopeo\b/m);
  expect(fields).toMatch(/^Recommends: .*\bansible\b.*\bmmdebstrap\b.*\bsquashfs-tools\b/m);
  const owners = (await run('dpkg-deb', '--contents', deb)).trim().split('\n');
  expect(owners.filter((line) => !/ root\/root .* \.\/(usr\/|$)/.test(line))).toEqual([]);
  expect(owners.filter((line) => /^[d-].......w/.test(line))).toEqual([]);
  await run('dpkg-deb', '--extract', deb, at('deb'));
  expect(await bare(at('deb/usr/bin/layers'), '--version')).toEqual([0, expect.stringContaining('layers ')]);
});

test('the .rpm names the packages of EL and SUSE, and its files are the same', async () => {
  const rpm = named('.rpm');
  const requires = await run('rpm', '-qp', '--nosignature', '--requires', rpm);
  expect(requires).toMatch(/^buildah$/m);
  expect(requires).toContain('(containers-common or libcontainers-common)');
  expect(await run('rpm', '-qp', '--nosignature', '--recommends', rpm)).toContain('(squashfs-tools or squashfs)');
  const sums = await run('rpm', '-qp', '--nosignature', '--queryformat', '[%{FILENAMES} %{FILEDIGESTS}\\n]', rpm);
  const node = createHash('sha256')
    .update(await readFile(at('deb/usr/lib/layers/node')))
    .digest('hex');
  expect(sums).toContain(`/usr/lib/layers/node ${node}`);
});

test('equal sources give equal packages; made again, nothing is done', async () => {
  const lines = (await packageTo('made')).trim().split('\n');
  expect(lines.filter((line) => !line.endsWith(' is up to date'))).toEqual([]);
  expect(lines).toHaveLength(made.length);
  // The others are as quick to go wrong and slower to make.
  await packageTo('again', '--only', 'deb');
  expect(await digest(at('again/layers.deb'))).toBe(await digest(at('made/layers.deb')));
});

async function digest(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}
