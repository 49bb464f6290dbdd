import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Measured, plainEnvironment } from './measure.ts';
import { REPOSITORY } from './places.ts';

const TURBO = '2.6.1';

/** The same graph and the same files for another engine, brought in line; or why it is not there. */
export interface Engine {
  readonly command?: Measured;
  readonly skipped?: string;
}

/** A package a layer, which depends on its parent's; asked what it would do, which makes it hash everything. */
export function turboOn(root: string, count: number): Engine {
  const turbo = turboProgram();
  if (turbo === undefined) return { skipped: 'no turbo: npm could not install it' };
  const write = (file: string, value: unknown) => writeFileSync(path.join(root, file), JSON.stringify(value));
  mkdirSync(root, { recursive: true });
  write('package.json', { name: 'root', private: true, packageManager: 'npm@10.9.0', workspaces: ['packages/*'] });
  write('turbo.json', { tasks: { build: { dependsOn: ['^build'], outputs: [] } } });
  const packages: Record<string, unknown> = { '': { name: 'root', workspaces: ['packages/*'] } };
  for (let index = 0; index < count; index += 1) {
    const folder = `packages/layer-${index}`;
    mkdirSync(path.join(root, folder), { recursive: true });
    for (const one of ['a', 'b']) writeFileSync(path.join(root, folder, one), contentOf(index, one));
    const parent = index === 0 ? {} : { [`layer-${Math.floor((index - 1) / 4)}`]: '*' };
    const manifest = { name: `layer-${index}`, version: '1.0.0', dependencies: parent };
    write(`${folder}/package.json`, { ...manifest, scripts: { build: 'true' } });
    packages[folder] = manifest;
    packages[`node_modules/layer-${index}`] = { resolved: folder, link: true };
  }
  write('package-lock.json', { name: 'root', lockfileVersion: 3, requires: true, packages });
  commitAll(root);
  const env = { TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1', TURBO_NO_UPDATE_NOTIFIER: '1' };
  return {
    command: { name: `turbo ${TURBO} --dry=json`, argv: [turbo, 'run', 'build', '--dry=json'], cwd: root, env },
  };
}

/** A file a layer, made of its two files and its parent's. */
export function ninjaOn(root: string, count: number): Engine {
  const found = spawnSync('ninja', ['--version'], { encoding: 'utf8' });
  if (found.status !== 0) return { skipped: 'no ninja: apt-get install ninja-build' };
  mkdirSync(root, { recursive: true });
  const lines = ['rule build', '  command = cat $in | md5sum > $out'];
  for (let index = 0; index < count; index += 1) {
    mkdirSync(path.join(root, `files/layer-${index}`), { recursive: true });
    for (const one of ['a', 'b']) writeFileSync(path.join(root, `files/layer-${index}/${one}`), contentOf(index, one));
    const parent = index === 0 ? '' : ` out/${Math.floor((index - 1) / 4)}`;
    lines.push(`build out/${index}: build files/layer-${index}/a files/layer-${index}/b${parent}`);
  }
  writeFileSync(path.join(root, 'build.ninja'), `${lines.join('\n')}\n`);
  execFileSync('ninja', [], { cwd: root, stdio: 'ignore' });
  return { command: { name: `ninja ${found.stdout.trim()}`, argv: ['ninja'], cwd: root } };
}

/** The program itself, without the Node that usually starts it. Kept in the temporary folder from one bench to the next. */
function turboProgram(): string | undefined {
  const folder = path.join(tmpdir(), `layers-bench-turbo-${TURBO}`);
  const program = path.join(
    folder,
    `node_modules/turbo-linux-${process.arch === 'x64' ? '64' : process.arch}/bin/turbo`,
  );
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', '--ignore-scripts', `turbo@${TURBO}`];
    spawnSync('npm', args, { cwd: folder, stdio: 'ignore', env: plainEnvironment() });
  }
  return existsSync(program) ? program : undefined;
}

function contentOf(index: number, one: string): string {
  return readFileSync(path.join(REPOSITORY, 'LICENSE'), 'utf8')
    .repeat(3)
    .slice(0, 2000)
    .concat(` ${index} ${one}`)
    .padEnd(2047)
    .concat('\n');
}

function commitAll(root: string): void {
  const identity = ['-c', 'user.name=bench', '-c', 'user.email=bench@bench.invalid'];
  const git = (...args: string[]) =>
    execFileSync('git', [...identity, ...args], { cwd: root, env: plainEnvironment(), stdio: 'ignore' });
  git('init', '-q');
  git('add', '.');
  git('commit', '-q', '-m', 'bench');
}
