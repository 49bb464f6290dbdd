/**
 * What a child may see of our environment. Everything else is kept away, so that a build does not depend on the shell
 * it was started from, and so that S3 credentials and what npm's and pnpm's scripts add (`npm_*`, `NODE_PATH`) reach no
 * child. Names ending in `*` are prefixes.
 */
const ALLOWED: readonly string[] = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'TMPDIR',
  'XDG_RUNTIME_DIR',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'XDG_CACHE_HOME',
  'SSH_AUTH_SOCK',
  // Proxies, in both spellings that programs look for.
  'http_proxy',
  'https_proxy',
  'ftp_proxy',
  'all_proxy',
  'no_proxy',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'FTP_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  // Certificates that the site trusts.
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  // Container tools: storage, registries, authentication, isolation.
  // Not BUILDAH_HISTORY, which would write commands into the image.
  'BUILDAH_ISOLATION',
  'BUILDAH_RUNTIME',
  'STORAGE_*',
  'CONTAINERS_*',
  'REGISTRIES_*',
  'REGISTRY_AUTH_FILE',
  'DOCKER_CONFIG',
  // Set by `buildah unshare`: without them the next buildah would make a second user namespace.
  '_CONTAINERS_*',
  'ANSIBLE_*',
  'GNUPGHOME',
  // How a later run finds the processes of a dead one.
  'LAYERS_RUN_ID',
];

/** Messages in one language and encoding, so that output can be read by programs. */
const FIXED: Readonly<Record<string, string>> = { LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' };

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The environment children get: what `ALLOWED` names of `env`, and a fixed locale. */
export function cleanEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const clean: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && isAllowed(name)) clean[name] = value;
  }
  return { PATH: DEFAULT_PATH, ...clean, ...FIXED };
}

function isAllowed(name: string): boolean {
  return ALLOWED.some((allowed) => (allowed.endsWith('*') ? name.startsWith(allowed.slice(0, -1)) : name === allowed));
}
