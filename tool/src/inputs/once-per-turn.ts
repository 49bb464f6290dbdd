/**
 * `read`, called once a key within one turn of the event loop: a thousand layers that share a playbook look at it once, and
 * whoever asks again after a build gets a fresh answer. What throws is not kept.
 */
export function oncePerTurn<T>(read: (key: string) => T): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    if (known.has(key)) return known.get(key) as T;
    const value = read(key);
    if (known.size === 0) setImmediate(() => known.clear());
    known.set(key, value);
    return value;
  };
}
