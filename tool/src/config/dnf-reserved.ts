/**
 * Places where dnf reads and writes, and code that it loads. With `installroot=/` the host's dnf would change the host, and a
 * place inside the image would be read on the host.
 */
const RESERVED: ReadonlySet<string> = new Set([
  'installroot',
  'reposdir',
  'varsdir',
  'persistdir',
  'system_cachedir',
  'cachedir',
  'logdir',
  'modulesdir',
  'plugins',
  'pluginpath',
  'pluginconfpath',
  'config',
  'config_file_path',
  'debugdir',
  'destdir',
  'downloaddir',
]);

/** Whether a setting of dnf.conf is not for `dnf_options` to change. Names are told apart as dnf does. */
export function isReserved(name: string): boolean {
  return RESERVED.has(name.toLowerCase());
}

/** The name of a `key=value` word if it is one that a layer must not set. */
export function reservedOption(word: string): string | undefined {
  const name = word.split('=', 1)[0]?.trim() ?? '';
  return isReserved(name) ? name : undefined;
}
