import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { installCommand, missingEntries, packageManager } from './packages.mjs';
import { SetupError, say, since } from './place.mjs';
import { runQuietly } from './run.mjs';

const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_MARK = '# written by set-up of layers';

/** Installs what `uses` need and the machine lacks where it may; elsewhere says what to run. */
export function installSystemPackages(uses) {
  let missing = missingEntries(uses);
  if (missing.length === 0) return;
  const manager = packageManager();
  if (manager === 'apt' && process.getuid() === 0) {
    installWithApt(missing);
    missing = missingEntries(uses);
    if (missing.length === 0) return;
  }
  for (const entry of missing) say(`missing: ${entry.name}, for ${entry.neededFor}`);
  say(advice(manager, missing));
  const required = missing.filter((entry) => entry.required);
  if (required.length > 0) {
    throw new SetupError(`cannot go on without ${required.map((entry) => entry.name).join(', ')}.`);
  }
}

function advice(manager, missing) {
  if (manager === null) return 'install them by your package manager, then run set-up again';
  const argv = installCommand(manager, missing);
  if (argv === null) return `${manager} has no packages for them`;
  return `to install: ${process.getuid() === 0 ? '' : 'sudo '}${argv.join(' ')}`;
}

function installWithApt(missing) {
  const start = performance.now();
  say(`installing by apt: ${missing.map((entry) => entry.name).join(', ')} (a few minutes on a new machine)`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8', NEEDRESTART_SUSPEND: '1' };
  const lock = ['-o', 'DPkg::Lock::Timeout=300'];
  runQuietly(['apt-get', 'update', ...lock], { env, advice: 'Check the network and /etc/apt, then run set-up again.' });
  const argv = installCommand('apt', withAptPackages(missing, env));
  if (argv === null) return;
  const answers = ['-o', 'Dpkg::Options::=--force-confdef', '-o', 'Dpkg::Options::=--force-confold'];
  withoutStartingServices(() =>
    runQuietly([...argv, ...lock, ...answers], { env, advice: 'Put right what apt says, then run set-up again.' }),
  );
  say(`installed in ${since(start)}`);
}

// One name that this release does not have would fail the installation of all: those entries are left to the final check.
function withAptPackages(missing, env) {
  const names = [...new Set(missing.flatMap((entry) => entry.apt))];
  const { stdout } = spawnSync('apt-cache', ['show', '--no-all-versions', ...names], { env, encoding: 'utf8' });
  const known = new Set([...stdout.matchAll(/^Package: (.+)$/gm)].map((match) => match[1]));
  return missing.filter(
    (entry) => entry.apt.every((name) => known.has(name)) && !(entry.aptRemoves && existsSync(entry.aptRemoves)),
  );
}

// docker-registry's package starts its server at once. The policy is ours only where there is none, and ends with this
// process even if nobody removes it.
function withoutStartingServices(install) {
  const ours = !existsSync(POLICY) || readFileSync(POLICY, 'utf8').includes(POLICY_MARK);
  if (ours) {
    writeFileSync(
      POLICY,
      `#!/bin/sh\n${POLICY_MARK}\nif kill -0 ${process.pid} 2>/dev/null; then exit 101; fi\nexit 0\n`,
    );
    chmodSync(POLICY, 0o755);
  }
  try {
    install();
  } finally {
    if (ours) rmSync(POLICY, { force: true });
  }
}
