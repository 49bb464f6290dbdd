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

/** Names of the variables that tell Ansible something that changes what it makes. */
export function variablesThatCount(env: Environment): string[] {
  return Object.keys(env).filter(
    (name) =>
      env[name] !== undefined &&
      name.startsWith('ANSIBLE_') &&
      ![DECIDES_NOTHING, COUNTED_BY_FILE, SECRET].some((expression) => expression.test(name)),
  );
}

/** Where Ansible itself is installed. */
export interface InstalledAnsible {
  /** The folder of Python packages, with collections in it too. */
  readonly packages: string;
  /** Of ansible-core: `2.14.18`. */
  readonly core: string;
  /** Of Jinja beside it: `3.1.2`; undefined where its package says none. */
  readonly jinja?: string;
  /** The interpreter that ansible-playbook's first line names. */
  readonly python?: string;
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
      const [, core] = /^__version__ = ['"](\d+\.[^'"]+)/m.exec(release ? (view.text(release) ?? '') : '') ?? [];
      if (release === undefined || core === undefined) continue;
      const packages = path.dirname(path.dirname(release));
      const named = view.names(packages).map((name) => /^jinja2-(\d[\w.]*?)[.-](?:dist|egg)-info$/i.exec(name)?.[1]);
      const jinja = named.find((version) => version !== undefined);
      return { packages, core, ...(jinja !== undefined && { jinja }), ...(python !== undefined && { python }) };
    }
  }
  return undefined;
}
