import { parseAllDocuments } from 'yaml';

/** Larger files are data, not plays. */
const LARGEST = 1024 * 1024;

/**
 * What Ansible may make of a YAML file, tags (`!vault`) left aside. Undefined where it cannot be told: then everything around the
 * file counts. An encrypted file is told, as it names nothing.
 */
export function parseTolerantly(text: string): unknown {
  if (text.startsWith('$ANSIBLE_VAULT')) return '';
  if (text.length > LARGEST) return undefined;
  try {
    const documents = parseAllDocuments(text, { logLevel: 'silent', uniqueKeys: false });
    if (!Array.isArray(documents) || documents.some((one) => one.errors.length > 0)) return undefined;
    return documents.map((one) => one.toJS({ maxAliasCount: 100 }) as unknown);
  } catch {
    return undefined;
  }
}
