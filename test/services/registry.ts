import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { freePorts, startDaemon, untilAnswers } from './daemon.ts';

export interface RegistryService {
  /** `127.0.0.1:PORT`, plain HTTP unless TLS was asked for. */
  readonly host: string;
  /** Where it writes one line a request. */
  readonly log: string;
  end(): Promise<void>;
}

/**
 * Debian's docker-registry with its storage in `folder`. `htpasswd`: a file of allowed users (bcrypt). `tls`: files of a certificate
 * for 127.0.0.1 and its key.
 */
export async function startRegistry(
  folder: string,
  options: { readonly htpasswd?: string; readonly tls?: { readonly certificate: string; readonly key: string } } = {},
): Promise<RegistryService> {
  await mkdir(path.join(folder, 'storage'), { recursive: true });
  const host = `127.0.0.1:${await freePorts(1)}`;
  const config = {
    version: 0.1,
    log: { level: 'info', accesslog: { disabled: false } },
    storage: { filesystem: { rootdirectory: path.join(folder, 'storage') }, delete: { enabled: true } },
    http: { addr: host, ...(options.tls ? { tls: options.tls } : {}) },
    ...(options.htpasswd ? { auth: { htpasswd: { realm: 'tests', path: options.htpasswd } } } : {}),
  };
  const file = path.join(folder, 'config.yml');
  // JSON is YAML.
  await writeFile(file, JSON.stringify(config));
  const log = path.join(folder, 'registry.log');
  const daemon = startDaemon(['docker-registry', 'serve', file], log, { OTEL_TRACES_EXPORTER: 'none' });
  // Over TLS it answers plain HTTP too, with 400.
  await untilAnswers(`http://${host}/v2/`, log, [daemon], 20);
  return { host, log, end: daemon.end };
}
