import path from 'node:path';
import type { AnsibleConfig } from './ansible-config.ts';
import {
  FOLDERS_BESIDE_PLAYBOOK,
  isLeftOut,
  isLeftOutOfInventory,
  isLeftOutOfRole,
  isYaml,
  SEARCHED_FOLDERS,
} from './ansible-folders.ts';
import { findReferences, type PathReference } from './ansible-references.ts';
import { fillIn } from './ansible-template.ts';
import { type DiskPath, printable } from './names.ts';
import type { TreeView } from './tree-view.ts';

/** Whose relative paths are looked for, and where: folders of the playbook and of the role. */
interface Context {
  readonly playbook: string;
  readonly role?: string;
}

/** Gathers what a static reading finds. Each `add` may be called in any order and as often as one likes. */
export interface AnsibleScan {
  addPlaybook(file: string): void;
  addInventory(file: string): void;
  addFolder(folder: string): void;
  /** Values that may name files, beside a playbook. */
  addValues(values: unknown, playbook: string): void;
  files(): ReadonlySet<DiskPath>;
}

/** @param parse gives undefined for what it cannot read; then all files around count */
export function createAnsibleScan(
  view: TreeView,
  config: AnsibleConfig,
  parse: (text: string) => unknown,
): AnsibleScan {
  const files = new Set<DiskPath>();
  const done = new Set<string>();

  function isFirst(what: string, context?: Context): boolean {
    const key = [what, context?.playbook, context?.role].join('\0');
    const isNew = !done.has(key);
    done.add(key);
    return isNew;
  }

  function addFile(file: DiskPath, context?: Context): void {
    files.add(file);
    if (context !== undefined && typeof file === 'string' && isYaml(file)) readFile(file, context);
  }

  function addFolder(
    folder: string,
    context?: Context,
    skip: (name: string, below: string) => boolean = isLeftOut,
  ): void {
    if (view.kind(folder) !== 'folder' || !isFirst(folder, context)) return;
    for (const file of view.filesBelow(folder, skip)) {
      // What is copied or filled in is no YAML of Ansible's, whatever its name.
      const isData = /(^|\/)(files|templates)\//.test(printable(file).slice(folder.length));
      addFile(file, isData ? undefined : context);
    }
  }

  function readFile(file: string, context: Context): void {
    if (!isFirst(file, context)) return;
    const text = view.text(file);
    const content = text === undefined ? undefined : parse(text);
    if (content === undefined) addFolder(path.dirname(file));
    else addReferences(content, path.dirname(file), context);
  }

  function addReferences(content: unknown, folder: string, context: Context): void {
    const { playbooks, roles, paths } = findReferences(content);
    for (const one of playbooks) addPlaybook(path.resolve(folder, one));
    for (const one of roles) addRole(one, context);
    for (const one of paths) addPath(one, folder, context);
  }

  function addPath({ text, isPath, isLocal }: PathReference, folder: string, context: Context): void {
    const known = fillIn(text, { playbook_dir: context.playbook, role_path: context.role });
    const bases = basesOf(folder, context);
    const isAbsolute = path.isAbsolute(known.text);
    // An absolute path is most often one inside the image.
    if (isAbsolute && !isLocal && !bases.some((base) => known.text.startsWith(`${base}/`))) return;
    if (!known.isTemplate) {
      for (const base of isAbsolute ? ['/'] : bases) addFound(path.join(base, known.text), isPath, context);
    } else if (known.folder !== '') {
      for (const base of isAbsolute ? ['/'] : bases) addFound(path.join(base, known.folder), true, context);
    } else if (isPath) addFilesIn(folder, context);
  }

  function addFound(file: string, takesFolder: boolean, context: Context): void {
    const kind = view.kind(file);
    if (kind === 'file') addFile(file, context);
    if (kind !== 'folder' || !takesFolder) return;
    // `../{{ name }}` does not mean the whole tree.
    if (`${context.playbook}/`.startsWith(path.join(file, '/'))) addFilesIn(file, context);
    else addFolder(path.normalize(file), context);
  }

  function addFilesIn(folder: string, context: Context): void {
    for (const name of view.names(folder)) {
      const file = path.join(folder, name);
      if (!isLeftOut(name) && view.kind(file) === 'file') addFile(file, context);
    }
  }

  function addRole(role: string, context: Context): void {
    const beside = context.role === undefined ? [] : [path.dirname(context.role)];
    const bases = [path.join(context.playbook, 'roles'), ...config.rolesPath, ...beside];
    const known = fillIn(role, { playbook_dir: context.playbook, role_path: context.role });
    const exact = [...bases, context.playbook].map((base) => path.resolve(base, known.text));
    const found = exact.find((one) => view.kind(one) === 'folder');
    const possible = bases.flatMap((base) =>
      view
        .names(base)
        .filter(known.mayBe)
        .map((name) => path.join(base, name)),
    );
    for (const folder of known.isTemplate ? possible : [found]) {
      if (folder !== undefined) addFolder(folder, { playbook: context.playbook, role: folder }, isLeftOutOfRole);
    }
  }

  function addPlaybook(file: string): void {
    const playbook = path.dirname(file);
    addFile(file, { playbook });
    for (const one of FOLDERS_BESIDE_PLAYBOOK) addFolder(path.join(playbook, one), { playbook });
  }

  return {
    addPlaybook,
    addInventory(file) {
      const isFolder = view.kind(file) === 'folder';
      const folder = isFolder ? file : path.dirname(file);
      if (isFolder) addFolder(file, { playbook: folder }, isLeftOutOfInventory);
      else addFile(file);
      for (const one of ['group_vars', 'host_vars']) addFolder(path.join(folder, one), { playbook: folder });
    },
    addFolder: (folder) => addFolder(folder),
    addValues: (values, playbook) => addReferences(values, playbook, { playbook }),
    files: () => files,
  };
}

function basesOf(folder: string, { playbook, role }: Context): string[] {
  const searched = [playbook, ...(role === undefined ? [] : [role])];
  const bases = searched.flatMap((base) => SEARCHED_FOLDERS.map((one) => path.join(base, one)));
  return [...new Set([folder, ...bases])];
}
