import { PublishFailure } from './publisher.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/**
 * `S3_ACCESS` and `S3_SECRET`, as image-build has them; for one of several endpoints `S3_ACCESS__HOST_PORT` and
 * `S3_SECRET__HOST_PORT` win (upper case, everything else than letters and digits as `_`). Undefined: the SDK's own chain decides
 * (AWS_ACCESS_KEY_ID, ~/.aws, …).
 */
export function credentialsFor(endpoint: string, env: Env): Credentials | undefined {
  const suffix = `__${endpointName(endpoint)}`;
  return pair(env, suffix) ?? pair(env, '');
}

/** `http://s3.site-a.example:9000` → `S3_SITE_A_EXAMPLE_9000`. */
export function endpointName(endpoint: string): string {
  return endpointUrl(endpoint)
    .host.toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
}

function pair(env: Env, suffix: string): Credentials | undefined {
  const accessKeyId = env[`S3_ACCESS${suffix}`] || undefined;
  const secretAccessKey = env[`S3_SECRET${suffix}`] || undefined;
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const [given, missing] = accessKeyId === undefined ? ['SECRET', 'ACCESS'] : ['ACCESS', 'SECRET'];
    throw new PublishFailure(`S3_${given}${suffix} is set, but S3_${missing}${suffix} is not`);
  }
  return { accessKeyId, secretAccessKey };
}

/** Throws PublishFailure for what is no endpoint, without repeating credentials that may be in it. */
export function endpointUrl(endpoint: string): URL {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.host === '') {
    throw new PublishFailure('publish_s3 is no http:// or https:// URL', {
      hint: 'For example publish_s3: http://s3.example.org:9000, or file:DIR for a folder.',
    });
  }
  if (url.username !== '' || url.password !== '') {
    throw new PublishFailure('publish_s3 has credentials in its URL', {
      hint: 'Set S3_ACCESS and S3_SECRET in the environment instead.',
    });
  }
  return url;
}
