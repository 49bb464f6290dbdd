/** Names that one or the other has, sorted. */
export function namesOfBoth(one: object, other: object): string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
}
