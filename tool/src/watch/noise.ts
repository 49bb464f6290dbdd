import path from 'node:path';

/** What editors and version control leave beside what they write: names that no build ever reads. */
const NOISE = [
  /^\.git$/,
  /^__pycache__$/,
  /\.py[co]$/,
  // vim: swap files, and the file with which it tries whether it may write.
  /^\..*\.sw[a-px]$/,
  /^4913$/,
  /~$/,
  // Emacs.
  /^\.#/,
  /^#.*#$/,
  // JetBrains.
  /___jb_(tmp|old)___$/,
  // Sublime, gedit, kate, nano.
  /^\.subl[^/]*\.tmp$/,
  /^\.goutputstream-/,
  /^\..*\.kate-swp$/,
  // Ansible.
  /\.retry$/,
];

/** Whether a change of the path can be passed over: by a name in it, or as it is where runs themselves write. `own`: absolute folders. */
export function isNoise(file: string, own: readonly string[]): boolean {
  if (own.some((folder) => file === folder || file.startsWith(`${folder}/`))) return true;
  const name = path.basename(file);
  return NOISE.some((pattern) => pattern.test(name)) || /\/\.git\//.test(file);
}
