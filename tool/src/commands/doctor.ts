import path from 'node:path';
import {
  installCommand,
  missingEntries,
  type PackageEntry,
  type PackageManager,
  packageManager,
  packageTable,
} from '../../setup/packages.mjs';
import { InvalidInput } from '../config/diagnostic.ts';
import { doctorJson, doctorLines } from '../report/doctor-text.ts';
import { shellWords } from '../report/format.ts';
import { wantsColour } from '../report/palette.ts';
import { CommandFailure, type Exec } from '../system/command.ts';
import { createExec } from '../system/exec.ts';
import { probeIsolation } from '../system/isolation.ts';
import { containerStorage, distributionName, freeSpace, hasFileCapability, programVersion } from '../system/machine.ts';
import { needsUnshare } from '../system/rootless.ts';
import { rootlessReadiness } from '../system/rootless-readiness.ts';
import type { CommandContext, CommandRun } from './command.ts';
import {
  buildahSafetyCheck,
  type Check,
  folderCheck,
  isolationCheck,
  needCheck,
  rootlessChecks,
  storageCheck,
} from './doctor-checks.ts';
import { findRoot, whyRoot } from './find-root.ts';

const GB = 1e9;

/** Asks this machine whether layers can be built on it. Exit code 1 when something required is missing. */
export const run: CommandRun = async (context) => {
  const exec = createExec({ env: context.env, signal: context.signal });
  const [distribution, ...groups] = await Promise.all([
    distributionName(),
    nodeChecks(),
    treeChecks(context),
    needChecks(exec, context),
    buildahChecks(exec, context),
    userChecks(exec),
    diskChecks([
      { use: 'temporary', path: context.env.TMPDIR || '/var/tmp', enough: 10 * GB },
      { use: 'state', path: stateFolder(context), enough: GB },
    ]),
  ]);
  const checks = groups.flat();
  if (context.values.json === true) context.print(JSON.stringify(doctorJson(distribution, checks)));
  else {
    const colour = wantsColour(context.env, context.stdout.isTTY === true);
    const all = install(packageManager(), missingEntries(['run'], context.env.PATH));
    for (const line of doctorLines(distribution, checks, { colour, install: all })) context.print(line);
  }
  return checks.some((check) => check.status === 'missing') ? 1 : 0;
};

function nodeChecks(): Check[] {
  // An older one does not get here: the entry refuses it.
  return [{ id: 'node', status: 'ok', detail: `${process.versions.node} in ${process.execPath}` }];
}

/** Which tree the other commands would take here. */
function treeChecks({ cwd, options }: CommandContext): Check[] {
  const root = rootHere(cwd, options.root);
  if (root === undefined) return [];
  return [{ id: 'tree', status: 'ok', detail: whyRoot(root, cwd, options.root) ?? `the tree is ${root}` }];
}

/** Undefined: there is none, and the machine is asked all the same. */
function rootHere(cwd: string, root: string | undefined): string | undefined {
  try {
    return findRoot(cwd, root);
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return undefined;
  }
}

async function needChecks(exec: Exec, context: CommandContext): Promise<Check[]> {
  const manager = packageManager();
  const entries = packageTable.filter((entry) => entry.use === 'run');
  const missing = new Set(missingEntries(['run'], context.env.PATH).map((entry) => entry.name));
  const checks = entries.map(async (entry) => {
    const there = !missing.has(entry.name);
    const versions = there ? await entryVersions(exec, entry) : [];
    const required = entry.required || (entry.name === 'newuidmap' && needsUnshare());
    return needCheck({ ...entry, required, there, versions, install: install(manager, [entry]) });
  });
  return Promise.all(checks);
}

/** `2.14.18` for one program, `mksquashfs 4.5.1, unsquashfs 4.5.1` would say little: the first that tells is enough. */
async function entryVersions(exec: Exec, entry: PackageEntry): Promise<string[]> {
  for (const program of (entry.commands ?? []).flatMap((names) => names.split('|'))) {
    const version = await programVersion(exec, program);
    if (version !== undefined) return [program === entry.name ? version : `${program} ${version}`];
  }
  return [];
}

async function buildahChecks(exec: Exec, context: CommandContext): Promise<Check[]> {
  const version = await programVersion(exec, 'buildah');
  // Said already, with what installs it.
  if (version === undefined) return [];
  const checks = [buildahSafetyCheck(version)];
  try {
    const storage = await containerStorage(exec);
    checks.push(
      storageCheck(storage),
      ...(await diskChecks([{ use: 'storage', path: storage.graphRoot, enough: 10 * GB }])),
    );
    const works = await probeIsolation(exec, { env: asBuildsSeeIt(context.env) });
    checks.push(isolationCheck({ works }, context.env.BUILDAH_ISOLATION));
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error;
    checks.push(isolationCheck({ failure: error.message }, undefined));
  }
  return checks;
}

/** An ordinary user's builds run inside `buildah unshare`, which this command must be able to do without. */
function asBuildsSeeIt(env: CommandContext['env']): CommandContext['env'] {
  if (!needsUnshare()) return env;
  return { ...env, _CONTAINERS_USERNS_CONFIGURED: 'done', _CONTAINERS_ROOTLESS_UID: String(process.getuid?.()) };
}

async function userChecks(exec: Exec): Promise<Check[]> {
  if (!needsUnshare()) return [{ id: 'user', status: 'ok', detail: 'root: needs no user namespace' }];
  return rootlessChecks(await rootlessReadiness((file) => hasFileCapability(exec, file)));
}

function diskChecks(folders: readonly { use: string; path: string; enough: number }[]): Promise<Check[]> {
  return Promise.all(folders.map(async (folder) => folderCheck({ ...folder, ...(await freeSpace(folder.path)) })));
}

function stateFolder({ cwd, options }: CommandContext): string {
  return path.resolve(cwd, options.state ?? path.join(rootHere(cwd, options.root) ?? '.', '.layers'));
}

function install(manager: PackageManager | null, entries: readonly PackageEntry[]): string | undefined {
  const argv = manager === null || entries.length === 0 ? null : installCommand(manager, entries);
  if (argv === null) return undefined;
  return `${needsUnshare() ? 'sudo ' : ''}${shellWords(argv)}`;
}
