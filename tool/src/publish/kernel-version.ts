/**
 * Orders kernel versions as package managers do: runs of digits by value, runs of letters by alphabet, digits above letters,
 * `~` and `rc` below the release that they precede. Negative when `a` is older.
 */
export function compareKernelVersions(a: string, b: string): number {
  const left = segmentsOf(a);
  const right = segmentsOf(b);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const order = compareSegments(left[i], right[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function segmentsOf(version: string): string[] {
  return version.match(/\d+|[A-Za-z]+|~/g) ?? [];
}

function compareSegments(a: string | undefined, b: string | undefined): number {
  const before = Number(isBefore(b)) - Number(isBefore(a));
  if (before !== 0) return before;
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  const aIsNumber = /^\d/.test(a);
  if (aIsNumber !== /^\d/.test(b)) return aIsNumber ? 1 : -1;
  if (!aIsNumber) return a < b ? -1 : Number(a > b);
  const difference = BigInt(a) - BigInt(b);
  return difference < 0n ? -1 : Number(difference > 0n);
}

/** Marks what comes before the release: `6.9.0-rc1` and `6.9~1` are older than `6.9.0` and `6.9`. */
function isBefore(segment: string | undefined): boolean {
  return segment === '~' || segment === 'rc';
}

/** `5.14.0-427.el9.x86_64+debug` and `…+64k` are variants of the kernel that the same package set brings. */
export function kernelVariant(version: string): string {
  return /\+([A-Za-z0-9][\w-]*)$/.exec(version)?.[1] ?? '';
}
