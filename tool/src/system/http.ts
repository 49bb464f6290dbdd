import { readFileSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import tls from 'node:tls';

export interface AgentSettings {
  /** False: any certificate is taken. */
  readonly verify: boolean;
  /** Connections to one host at once. */
  readonly maxSockets: number;
  /** For HTTPS_PROXY, HTTP_PROXY and NO_PROXY, in both spellings. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Trusted beside the system's; PEM. */
  readonly authorities?: readonly string[];
  /** What we show of ourselves; PEM. */
  readonly client?: { readonly cert: string; readonly key: string };
}

/** Connection pools with the certificates and proxies that buildah and skopeo would use. */
export function createAgents({ verify, maxSockets, env, authorities = [], client }: AgentSettings): {
  http: HttpAgent;
  https: HttpsAgent;
} {
  const common = { keepAlive: true, maxSockets, proxyEnv: env };
  return {
    http: new HttpAgent(common),
    https: new HttpsAgent({
      ...common,
      rejectUnauthorized: verify,
      ...(verify ? { ca: [...systemCertificates(), ...authorities] } : {}),
      ...client,
    }),
  };
}

/** Where distributions keep their store, as Go's crypto/x509 looks for it; the first that is there counts. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * The authorities that the system trusts, and NODE_EXTRA_CA_CERTS. On a machine without a store (a bare container) those that Node
 * brings.
 */
function systemCertificates(): string[] {
  // SSL_CERT_FILE and SSL_CERT_DIR, or the default folders of OpenSSL, which are not everywhere the distribution's.
  const system = new Set([...tls.getCACertificates('system'), ...(process.env.SSL_CERT_FILE ? [] : bundled())]);
  return [...(system.size > 0 ? system : tls.rootCertificates), ...tls.getCACertificates('extra')];
}

function bundled(): string[] {
  for (const file of BUNDLES) {
    try {
      return readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    } catch {
      // Another distribution's place.
    }
  }
  return [];
}
