/**
 * Outside the tree, what Ansible read counts, and so does what it looked for. These do not, as every program on a machine reads or
 * asks for them, and no two machines have the same:
 */
const NEVER: readonly (readonly [RegExp, why: string])[] = [
  [/^\/(proc|sys|dev)(\/|$)/, 'the kernel'],
  [
    /^(\/var)?\/run(?!\/secrets(\/|$))(\/|$)/,
    'sockets and process ids; secrets are handed in there too, and those count',
  ],
  [
    /\/(lib|lib64|include)\/python\d[^/]*(\/|$)|\/(site|dist)-packages(\/|$)|\/pyvenv\.cfg$|\/python\d*\.zip$/,
    'Python and what is installed for it: counts by version (`tool-versions.ts`)',
  ],
  [/\/s?bin\/(ansible(-[a-z]+)?|python[\d.]*)$/, 'the tools themselves: by version, too'],
  [
    /^\/(usr\/(local\/)?)?lib.*\.so(\.\d+)*$|^\/etc\/ld\.so\.[^/]+$|^\/(usr\/)?lib\w*(\/[^/]+)?\/(gconv|locale|ssl)(\/|$)/,
    'shared libraries and what belongs to them',
  ],
  [
    /^\/usr\/share\/(locale(-langpack)?|nls|zoneinfo|terminfo)(\/|$)|^\/etc\/(localtime|timezone|locale\.\w+|terminfo)(\/|$)/,
    'languages and times of day',
  ],
  [
    /^\/etc\/(ssl|pki\/tls)\/(certs|cert\.pem|openssl\.cnf)(\/|$)|^\/etc\/pki\/ca-trust(\/|$)|^\/usr\/share\/ca-certificates(\/|$)/,
    "what Python's ssl and Ansible's `url` trust: each reads all of them",
  ],
  [
    /^\/etc\/(passwd|group|g?shadow|nsswitch\.conf|resolv\.conf|hosts|hostname|host\.conf|gai\.conf|services|protocols|krb5\.conf|machine-id)$/,
    'who this machine is, whom it knows',
  ],
  [/^\/etc\/([a-z]+-release|[a-z]+_version|inputrc)$|^\/usr\/lib\/os-release$/, 'which system this is'],
  [
    /^(\/usr\/local)?\/etc\/((httpd(\/conf)?|apache2?)\/)?mime\.types$|^\/usr\/local\/lib\/netscape\//,
    "tables of Python's mimetypes",
  ],
  [/^(\/var\/lib|\/etc|~\/\.config|~\/\.local\/share)\/containers(\/|$)/, 'where images and containers are'],
  [
    /(^|\/)(\.ansible\/(tmp|cp|pc|async|galaxy_\w+)|\.ansible_async|\.ansible_galaxy)(\/|$)/,
    'what Ansible keeps for itself',
  ],
  [/^\/var\/(log|cache\/ansible)(\/|$)/, 'logs, and facts that were gathered before'],
  [
    /^~\/(\.ssh\/(known_hosts\d?|config)|\.netrc)$|^\/etc\/ssh\/ssh_(known_hosts\d?$|config)/,
    'how a server is reached, and by whom',
  ],
  [/^(\/var)?\/tmp\/tmp[a-z0-9_]{8}(\/|$)/, "names that Python's tempfile makes up"],
];

/** Searched by whoever starts a program; Python looks for modules beside its own. What is read there is an input. */
const PROGRAMS = /^(\/(usr|usr\/local|opt\/local|snap)|~\/\.local)?\/(s?bin|games)(\/|$)/;
/** That these folders are there says nothing. */
const EVERYWHERE = [
  /^(\/|~|\/(etc|opt|srv|mnt|media|home|root|tmp|usr|var|run|boot))$/,
  /^~\/\.(ansible|ssh|cache|config|local(\/(share|lib))?)$/,
  /^\/etc\/(ssl|pki|pki\/tls|ssh)$/,
  /^\/usr\/(share|tmp|local|local\/(share|etc))$|^(\/usr(\/local)?)?\/(lib\w*|include)(\/[^/]+-linux-gnu\w*)?$/,
  /^\/var\/(lib|tmp|cache|log|spool)$|^(\/var)?\/run\/secrets$/,
];

/** Whether an absolute path outside the tree, by its name in records, is never an input, whatever is done with it. */
export function isOfMachine(name: string): boolean {
  return NEVER.some(([pattern]) => pattern.test(name));
}

/** Whether a path outside the tree that was only looked for says nothing about what Ansible makes. */
export function isIdleProbe(name: string): boolean {
  return isFolderOfPrograms(name) || EVERYWHERE.some((pattern) => pattern.test(name));
}

/** Python lists the folder of the program that it runs. */
export function isFolderOfPrograms(name: string): boolean {
  return PROGRAMS.test(name);
}
