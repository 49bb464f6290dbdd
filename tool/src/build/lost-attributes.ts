import type { Exec } from '../system/command.ts';
import { extendedAttributes } from './extended-attributes.ts';
import { ownPart } from './own-part.ts';

/** What buildah writes into a layer; it takes over others from images that were made elsewhere, but writes none. */
const KEPT = /^(security\.capability|security\.ima|user\..*)$/;

/**
 * `opt/file (system.posix_acl_access)` of what a build set and its image will not hold, ACLs above all, in the order of names.
 * `mountPoint`: the working container's root, before the commit. Throws CommandFailure where getfattr fails.
 */
export async function lostAttributes(mountPoint: string, exec: Exec): Promise<string[]> {
  const attributes = await extendedAttributes({ root: await ownPart(mountPoint), exec });
  const lost = [...attributes].flatMap(([path, lines]) => {
    const names = lines
      .split('\n')
      .map((line) => line.split('=')[0] ?? '')
      .filter((name) => !KEPT.test(name));
    return names.length === 0 ? [] : [`${path} (${names.join(', ')})`];
  });
  return lost.sort();
}

/** The warning for them; undefined where there are none. */
export function lostWarning(lost: readonly string[]): string | undefined {
  const [first, ...others] = lost;
  if (first === undefined) return undefined;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `image layers do not hold ACLs and such: ${first}${more} lost them; set them when the machine starts (systemd-tmpfiles, 'a+')`;
}
