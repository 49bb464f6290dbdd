/** Undefined for what is no JSON: the parser's own message would quote the text, which may hold a secret. */
export function parsedJson<T>(text: string | Uint8Array): T | undefined {
  try {
    return JSON.parse(typeof text === 'string' ? text : Buffer.from(text).toString('utf8')) as T;
  } catch {
    return undefined;
  }
}
