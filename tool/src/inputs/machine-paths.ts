/** Where the machine keeps what is no input: devices, programs, libraries, and what the tools themselves write. */
const SYSTEM =
  /^\/(proc|sys|dev|run|bin|sbin|lib\w*|boot|snap|var\/(run|lib|cache|log|spool)|usr(?!\/(local\/)?share\/ansible(\/|$)))(\/|$)/;
/** Python's own library and installed packages count by their version (`tool-versions.ts`). */
const PYTHON = /\/(lib|lib64)\/python\d[^/]*(\/|$)|\/(site|dist)-packages(\/|$)|\/pyvenv\.cfg$|\/python\d*\.zip$/;
/** What Ansible and ssh keep in a home for themselves. */
const OWN_OF_TOOLS =
  /(^|\/)(\.ansible\/(tmp|cp|pc|async|galaxy_\w+)|\.ansible_async|\.ansible_galaxy|known_hosts\d?)(\/|$)/;
/** In these Ansible looks by itself; a path that is absent there may be an input tomorrow. */
const OF_ANSIBLE = /^(~\/\.ansible(\.cfg$|\/)|\/etc\/ansible\/|\/usr\/(local\/)?share\/ansible\/)/;
/** Looked into by every program. Only what is opened or listed there is meant. */
const CROWDED = /^(~|\/etc|(\/var)?\/tmp)(\/|$)/;
/** A name that Python's tempfile makes up. */
const MADE_UP = /^(\/var)?\/tmp\/tmp[a-z0-9_]{8}(\/|$)/;

/** Whether an absolute path outside the tree is never an input. */
export function isOfMachine(file: string): boolean {
  return SYSTEM.test(file) || PYTHON.test(file) || OWN_OF_TOOLS.test(file) || MADE_UP.test(file);
}

/** Whether a path that was only looked for, by its name in records, says nothing about what Ansible makes. */
export function isIdleProbe(name: string): boolean {
  return CROWDED.test(name) && !OF_ANSIBLE.test(name);
}
