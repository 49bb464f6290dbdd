const WIDTH = 120;

/** JSON as Biome formats it: objects over several lines, lists of plain values on one where they fit. With a final newline. */
export function formatJson(value: unknown): string {
  return `${format(value, 0, 0)}\n`;
}

/** @param used columns that the key before the value takes */
function format(value: unknown, depth: number, used: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const inner = '  '.repeat(depth + 1);
  const outer = '  '.repeat(depth);
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one !== 'object' || one === null)) {
      const line = `[${value.map((one) => JSON.stringify(one)).join(', ')}]`;
      // The comma after it counts.
      if (outer.length + used + line.length < WIDTH) return line;
    }
    return `[\n${value.map((one) => inner + format(one, depth + 1, 0)).join(',\n')}\n${outer}]`;
  }
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, one]) => {
    const name = `${JSON.stringify(key)}: `;
    return inner + name + format(one, depth + 1, name.length);
  });
  return `{\n${lines.join(',\n')}\n${outer}}`;
}
