import { printable } from './check-destinations.ts';
import type { Check } from './check-layer.ts';

/** What types cannot say about how a container of the image starts. */
export function checkImageConfig({ layer, report }: Check): void {
  const { entrypoint, cmd, env = {}, user, workdir, volumes = [] } = layer.image_config;
  for (const [key, words] of Object.entries({ entrypoint, cmd })) {
    if (!words?.some((word) => word.includes('\0'))) continue;
    report(['image_config', key], { code: 'control-character', message: `\`${key}\` has a NUL in it` });
  }
  for (const [name, value] of Object.entries(env)) {
    const path = ['image_config', 'env', name];
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      const message = `\`${printable(name)}\` cannot be the name of a variable: letters, digits and \`_\`, not beginning with a digit`;
      report(path, { code: 'invalid-value', message, spot: 'key' });
    } else if (value.includes('\0')) {
      report(path, { code: 'control-character', message: `\`${name}\` has a NUL in it` });
    }
  }
  if (user !== undefined && !/^[^\s:\p{Cc}]+(:[^\s:\p{Cc}]+)?$/u.test(user)) {
    const message = `\`${printable(user)}\` is no user: a name or number, perhaps with \`:GROUP\` behind it`;
    report(['image_config', 'user'], { code: 'invalid-value', message });
  }
  if (workdir !== undefined && !isPlace(workdir)) {
    const message = `\`workdir\` must be an absolute path, not \`${printable(workdir)}\``;
    report(['image_config', 'workdir'], { code: 'invalid-value', message });
  }
  for (const volume of volumes) {
    if (isPlace(volume)) continue;
    const message = `A volume must be an absolute path, not \`${printable(volume)}\``;
    report(['image_config', 'volumes'], { code: 'invalid-value', message, item: volume });
  }
}

function isPlace(path: string): boolean {
  return path.startsWith('/') && !path.split('/').includes('..') && !/\p{Cc}/u.test(path);
}
