import { hash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { expandPattern } from './source-glob.ts';
import type { TreeView } from './tree-view.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** They decide how a run looks or what it is stopped by; or the build sets them itself. */
const DECIDES_NOTHING =
  /^ANSIBLE_((FORCE_COLOR|NOCOLOR|NOCOWS|VERBOSITY|LOG_PATH|LOCAL_TEMP|DEBUG|FORKS|STDOUT_CALLBACK)$|(COLOR|COW|DISPLAY|RETRY_FILES|CALLBACK)_|.*_WARNINGS$)/;
/** Their files count, by names that are the same on another machine. */
const COUNTED_BY_FILE = /^ANSIBLE_(CONFIG|ROLES_PATH|COLLECTIONS_PATHS?|HOME|VAULT_\w+)$/;
/** A short secret can be guessed from its digest, and logging in decides no content. */
const SECRET = /PASS|TOKEN|SECRET|PRIVATE_KEY/;

/** What Ansible is told by variables: `env:NAME` → digest of the value. */
export function variablesThatCount(env: Environment): Readonly<Record<string, string>> {
  const counting = Object.entries(env).filter(
    ([name, value]) =>
      value !== undefined &&
      name.startsWith('ANSIBLE_') &&
      ![DECIDES_NOTHING, COUNTED_BY_FILE, SECRET].some((expression) => expression.test(name)),
  );
  return Object.fromEntries(counting.map(([name, value]) => [`env:${name}`, digestOf(value ?? '')]));
}

/** Where Ansible itself is installed. */
export interface InstalledAnsible {
  /** The folder of Python packages, with collections in it too. */
  readonly packages: string;
  /** Digest of the minor version: patch releases do not change what a playbook makes. */
  readonly core: string;
}

/** Looks beside the `ansible-playbook` of $PATH and its Python, starting nothing. Undefined: not found there. */
export function installedAnsible(view: TreeView, env: Environment): InstalledAnsible | undefined {
  const commands = (env.PATH ?? '').split(':').filter((folder) => path.isAbsolute(folder));
  const command = commands
    .map((folder) => path.join(folder, 'ansible-playbook'))
    .find((file) => view.kind(file) === 'file');
  if (command === undefined) return undefined;
  const [, python] = /^#! *(\/\S+)/.exec(view.text(command) ?? '') ?? [];
  const above = [realpathSync(command), ...(python === undefined ? [] : [python])];
  const prefixes = new Set([...above.map((file) => path.dirname(path.dirname(file))), '/usr/local', '/usr']);
  const disk = { names: view.names, isThere: (file: string) => view.kind(file) === 'file' };
  for (const prefix of prefixes) {
    for (const place of ['lib/python3*/site-packages', 'lib/python3*/dist-packages', 'lib64/python3*/site-packages']) {
      const [release] = expandPattern(path.join(prefix, place, 'ansible/release.py'), disk);
      const [, minor] = /^__version__ = ['"](\d+\.\d+)/m.exec(release ? (view.text(release) ?? '') : '') ?? [];
      if (release && minor) return { packages: path.dirname(path.dirname(release)), core: digestOf(minor) };
    }
  }
  return undefined;
}

function digestOf(text: string): string {
  return `sha256:${hash('sha256', text)}`;
}
