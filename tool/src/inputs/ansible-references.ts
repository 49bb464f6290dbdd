/** A string somewhere in a playbook, task or variable file that may name a file. */
export interface PathReference {
  readonly text: string;
  /** It is the value of a key that takes a path (`src`, `include_tasks`, …), so that a folder or a template counts too. */
  readonly isPath: boolean;
  /** It may name a folder for a path that is put together elsewhere (`assets: ../assets`). */
  readonly mayBeFolder: boolean;
  /** It is for certain a path on the machine that runs Ansible: only then an absolute one counts. */
  readonly isLocal: boolean;
}

export interface References {
  readonly playbooks: readonly string[];
  /** Role names; templates as they stand. */
  readonly roles: readonly string[];
  readonly paths: readonly PathReference[];
}

const LOCAL_MODULES = new Set(
  'assemble copy include_tasks include_vars import_tasks script template unarchive with_file with_fileglob with_first_found'.split(
    ' ',
  ),
);
/** Words that are often the name of a folder too, and never stand for it. */
const NO_FOLDER_KEYS = new Set(
  'become_user group groups hosts listen mode name notify owner register state tags'.split(' '),
);
const PATH_KEYS = new Set([...LOCAL_MODULES, ...'dir file files first_found include paths src vars_files'.split(' ')]);

/** Everything in parsed YAML that names a role, or might name a file: rather too much than too little. Pure. */
export function findReferences(content: unknown): References {
  const playbooks: string[] = [];
  const roles: string[] = [];
  const paths: PathReference[] = [];
  const pending: { value: unknown; key: string; parent: string }[] = [{ value: content, key: '', parent: '' }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, key, parent } = next;
    if (typeof value === 'string') {
      const isLocal = LOCAL_MODULES.has(key) || (LOCAL_MODULES.has(parent) && key === 'src') || key === 'vars_files';
      const isPath = PATH_KEYS.has(key);
      for (const text of wordsOf(value)) {
        const isWhole = text === value && !NO_FOLDER_KEYS.has(key);
        // Dots alone lead upwards, to everything.
        const mayBeFolder = (isWhole || text.includes('/')) && /[^./]/.test(text);
        paths.push({ text, isPath, isLocal, mayBeFolder });
      }
    } else if (Array.isArray(value)) {
      for (const one of value) pending.push({ value: one, key, parent });
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, inner] of Object.entries(value)) {
        const plain = name.replace(/^ansible\.(builtin|legacy)\./, '');
        if (plain === 'import_playbook' && typeof inner === 'string') playbooks.push(inner);
        if (plain === 'import_role' || plain === 'include_role') roles.push(...roleNames([inner]));
        if (plain === 'roles' || plain === 'dependencies') roles.push(...roleNames(inner));
        // With remote_src the source is in the image.
        const isRemote = plain === 'src' && 'remote_src' in value && value.remote_src !== false;
        if (!isRemote) pending.push({ value: inner, key: plain, parent: key });
      }
    }
  }
  return { playbooks, roles, paths };
}

function roleNames(value: unknown): string[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((one: unknown) => {
    // `include_role: name=chrony`, and Galaxy's `name,version`.
    if (typeof one === 'string')
      return [
        one
          .replace(/^.*\b(?:name|role)=/, '')
          .split(',')[0]
          ?.trim() ?? '',
      ];
    const { role, name, src } = (one ?? {}) as Record<string, unknown>;
    return [role ?? name ?? src].filter((text) => typeof text === 'string');
  });
}

/** The string itself, what is quoted in it (`lookup('file', 'key.pub')`), and its `key=value` words. */
function wordsOf(text: string): string[] {
  const quoted = [...text.matchAll(/'([^'\n]+)'|"([^"\n]+)"/g)].map((match) => match[1] ?? match[2] ?? '');
  const isOneLine = !text.includes('\n') && !text.includes('{{');
  const words = isOneLine ? text.split(/\s+/).map((word) => word.replace(/^\w+=/, '')) : [];
  // A name of a file has no line break in practice, and no more than 4,096 bytes at all.
  return [...new Set([text, ...quoted, ...words])].filter((word) => /^[^\n\0]{1,1000}$/.test(word));
}
