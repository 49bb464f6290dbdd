/** Hex SHA-256 of a recipe without what Ansible reads: under it known input sets are kept. */
export type ProbeKey = string & { readonly __brand: 'ProbeKey' };

/**
 * The names of all that one run of a layer's playbooks depended on; no content, so that it can be digested on any tree. Names are
 * relative to the root or symbolic (`inputs/`), sorted, each in one list only.
 */
export interface InputSet {
  readonly version: 1;
  /** Files whose content was read. */
  readonly read: readonly string[];
  /** Paths that were only looked for: what is there (nothing, a file, a folder) counts, its content does not. */
  readonly probed: readonly string[];
  /** Folders whose names were listed, filtered by what Ansible itself passes over. */
  readonly listed: readonly string[];
}

/** Known sets under one probe key, at most; the oldest goes first. */
export const MOST_INPUT_SETS = 16;
