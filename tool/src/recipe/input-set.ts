/** Hex SHA-256 of a recipe without what Ansible reads: under it known input sets are kept. */
export type ProbeKey = string & { readonly __brand: 'ProbeKey' };

/**
 * The names of all that one run of a layer's playbooks depended on; no content, so that it can be digested on any tree. Names are
 * relative to the root or symbolic (`inputs/`), sorted, each in one list only. What `.layersignore` named during the run is in it too:
 * who digests a set passes over what is ignored then, so that a line that goes brings back what it hid.
 */
export interface InputSet {
  /** Sets of version 1 lack what was ignored, and nobody can tell which of them do. */
  readonly version: 2;
  /** Files whose content was read. */
  readonly read: readonly string[];
  /** Paths that were only looked for: what is there (nothing, a file, a folder) counts, its content does not. */
  readonly probed: readonly string[];
  /** Folders whose names were listed, filtered by what Ansible itself passes over. */
  readonly listed: readonly string[];
}

/** Known sets under one probe key, at most; the oldest goes first. */
export const MOST_INPUT_SETS = 16;
