import type { Check } from './check-layer.ts';
import { hasStraySpace, isImageName, isRegistry, isTag } from './image-name.ts';
import type { Path } from './located.ts';
import { hasCredentials } from './secrets.ts';

/** Key tags of the shared cache (`layers-<recipe key>`): a human tag of that form would be taken for one. */
const KEY_TAG = /^layers-(?:in-|recipe-)?[0-9a-f]{32}/;

/** Name, tags and places an image goes to. */
export function checkDestinations(check: Check): void {
  const { options } = check.layer;
  const { report } = check;
  checkName(check);
  if (options.publish_tags.length === 0) {
    report(['options', 'publish_tags'], {
      code: 'invalid-tag',
      message: 'A layer needs at least one tag',
      hint: 'leave the key out for `latest`',
    });
  }
  for (const tag of options.publish_tags) {
    const path: Path = ['options', 'publish_tags'];
    if (!isTag(tag)) {
      const message = `\`${printable(tag)}\` cannot be a tag: letters, digits, \`_\`, \`.\` and \`-\`, at most 128, not beginning with \`.\` or \`-\``;
      report(path, { code: 'invalid-tag', message, item: tag });
    } else if (KEY_TAG.test(tag)) {
      report(path, { code: 'invalid-tag', message: `\`${tag}\` is kept for the tool's own cache`, item: tag });
    }
  }
  checkRegistry(check);
  checkS3(check);
  for (const key of ['publish_registry', 'publish_s3', 'proxy'] as const)
    warnOfCredentials(check, ['options', key], options[key]);
  if (!options.publish_local && options.publish_registry === '' && options.publish_s3 === '') {
    report(['options'], {
      severity: 'warning',
      code: 'no-destination',
      message: 'The layer has no destination: its image is kept in local storage only, without a name',
      hint: 'add `publish_local: true`, `publish_registry` or `publish_s3`',
      spot: 'key',
    });
  }
}

function checkName({ layer, report }: Check): void {
  const { name, publish_local, publish_registry, publish_s3 } = layer.options;
  const path = ['options', 'name'];
  // An image that goes only to S3 never becomes part of a reference.
  const free = publish_s3 !== '' && !publish_local && publish_registry === '';
  const valid = free
    ? /^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(name) && !name.split('/').includes('..')
    : isImageName(name);
  if (valid) return;
  const lower = name.toLowerCase();
  report(path, {
    code: 'invalid-name',
    message: `\`${printable(name)}\` cannot be an image name: lower-case letters and digits, joined by \`.\`, \`_\`, \`-\` or \`/\``,
    ...(lower !== name && isImageName(lower) ? { hint: `write \`${lower}\`` } : {}),
  });
}

function checkRegistry({ layer, report }: Check): void {
  const wrong = registryProblem(layer.options.publish_registry);
  if (wrong !== undefined) report(['options', 'publish_registry'], { code: 'invalid-registry', ...wrong });
}

function registryProblem(registry: string): { message: string; hint?: string } | undefined {
  if (registry === '') return undefined;
  if (hasStraySpace(registry)) return { message: 'The registry has white space or control characters in it' };
  if (registry.startsWith('oci:')) {
    const folder = registry.slice('oci:'.length);
    if (folder !== '' && !folder.includes(':')) return undefined;
    return { message: '`oci:` needs a folder without colons', hint: 'for example `oci:images`' };
  }
  if (/^https?:\/\//.test(registry)) {
    const plain = registry.replace(/^https?:\/\//, '');
    const hint = `write \`${plain}\`; for plain HTTP add \`registry_opts_push: --tls-verify=false\``;
    return { message: 'The registry is given as a web address', hint };
  }
  const plain = registry.replace(/^docker:\/\//, '').replace(/\/+$/, '');
  if (isRegistry(plain) || hasCredentials(`docker://${plain}`)) return undefined;
  const hint = 'it looks like `registry.example:5000/path`, path in lower case, without a tag';
  return { message: `\`${printable(registry)}\` is no registry`, hint };
}

function checkS3({ layer, report }: Check): void {
  const { publish_s3: endpoint, s3_bucket: bucket, s3_prefix: prefix } = layer.options;
  if (endpoint === '') return;
  const known = /^https?:\/\/[^/\s]+/.test(endpoint) || /^file:[^\s]/.test(endpoint);
  if (!known || hasStraySpace(endpoint)) {
    const hint = 'it looks like `https://s3.example`, or `file:FOLDER` for a folder';
    report(['options', 'publish_s3'], {
      code: 'invalid-endpoint',
      message: `\`${printable(endpoint)}\` is no S3 endpoint`,
      hint,
    });
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(bucket)) {
    report(['options', 's3_bucket'], { code: 'invalid-bucket', message: `\`${printable(bucket)}\` is no bucket name` });
  }
  if (/\p{Cc}/u.test(prefix) || prefix.startsWith('/') || prefix.split('/').includes('..')) {
    const message = `\`${printable(prefix)}\` cannot begin object keys: no leading \`/\`, no \`..\`, no control characters`;
    report(['options', 's3_prefix'], { code: 'invalid-prefix', message });
  }
}

/**
 * A password in a URL reads in the file, and in everything that quotes the file. In a destination it is refused: its name shows in plans,
 * logs and records.
 */
export function warnOfCredentials({ report }: Check, path: Path, url: string): void {
  if (!hasCredentials(url)) return;
  report(path, {
    severity: /^publish_/.test(String(path.at(-1))) ? 'error' : 'warning',
    code: 'credentials-in-url',
    message: 'The address carries credentials, which everyone who can read this file sees',
    hint: hintFor(String(path.at(-1))),
  });
}

function hintFor(key: string): string {
  if (key === 'publish_registry') return 'log in with `buildah login`, or give `--authfile` in `registry_opts_push`';
  if (key === 'publish_s3') return 'set S3_ACCESS and S3_SECRET in the environment';
  if (key === 'proxy') return 'set https_proxy in the environment instead';
  return 'use a mirror that needs none, or one that knows this host';
}

/** For messages: control characters become visible. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
