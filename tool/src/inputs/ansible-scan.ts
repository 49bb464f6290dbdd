import path from 'node:path';
import { dottedNames } from './ansible-collections.ts';
import { FOLDERS_BESIDE_PLAYBOOK, isLeftOut, isLeftOutOfInventory, isLeftOutOfRole } from './ansible-folders.ts';
import { createPathScan } from './ansible-paths.ts';
import {
  type Context,
  createListings,
  createReader,
  iniValues,
  isData,
  isPlaybook,
  isReadAsYaml,
  type ScanSettings,
} from './ansible-places.ts';
import { findReferences } from './ansible-references.ts';
import { fillIn } from './ansible-template.ts';
import { type DiskPath, printable } from './names.ts';
import type { TreeView } from './tree-view.ts';

/** Gathers what a static reading finds. Each `add` may be called in any order and as often as one likes. */
export interface AnsibleScan {
  addPlaybook(file: string): void;
  /** `playbook`: the folder that paths in its variables are relative to. */
  addInventory(file: string, playbook: string): void;
  addFolder(folder: string): void;
  /** Values that may name files, beside a playbook. */
  addValues(values: unknown, playbook: string): void;
  files(): ReadonlySet<DiskPath>;
  /** `a.b` in what was read as YAML: names of collections are among them. */
  dottedNames(): ReadonlySet<string>;
}

/** A scan that has found nothing yet. */
export function createAnsibleScan(view: TreeView, settings: ScanSettings): AnsibleScan {
  const { config } = settings;
  const files = new Set<DiskPath>();
  const done = new Set<string>();
  const playbooks = new Set<string>();
  const read = createReader(view, settings.parse);
  const dotted = new Set<string>();
  const listing = createListings(view);
  const addPath = createPathScan({
    view,
    listing,
    contentOf: (file) => read(file).content,
    addFile,
    addFolder,
    ...settings,
  });

  function isFirst(what: string, context?: Context): boolean {
    const key = [what, context?.playbook, context?.role].join('\0');
    const isNew = !done.has(key);
    done.add(key);
    return isNew;
  }

  function addFile(file: DiskPath, context?: Context): void {
    files.add(file);
    if (context !== undefined && typeof file === 'string' && isReadAsYaml(file)) readFile(file, context);
  }

  function addFolder(
    folder: string,
    context?: Context,
    skip: (name: string, below: string) => boolean = isLeftOut,
  ): void {
    if (view.kind(folder) !== 'folder' || !isFirst(folder, context)) return;
    for (const file of view.filesBelow(folder, skip)) {
      addFile(file, isData(printable(file).slice(folder.length)) ? undefined : context);
    }
  }

  function readFile(file: string, context: Context): void {
    const { content, text } = read(file);
    // Named by a pattern or a template that fits it: what it plays is another playbook's.
    if (isPlaybook(content) && !playbooks.has(file)) return;
    if (!isFirst(file, context)) return;
    for (const one of dottedNames(text)) dotted.add(one);
    if (content === undefined) addFolder(path.dirname(file));
    else addReferences(content, path.dirname(file), context);
  }

  function addReferences(content: unknown, folder: string, context: Context): void {
    const { playbooks: imported, roles, paths } = findReferences(content);
    for (const one of imported) addImported(one, folder, context);
    for (const one of roles) addRole(one, context);
    for (const one of paths) addPath(one, folder, context);
  }

  /** Only what is there: a collection's playbook has a name that is no path. */
  function addImported(text: string, folder: string, context: Context): void {
    const known = fillIn(text, { playbook_dir: context.playbook });
    const file = path.resolve(folder, known.text);
    if (!known.isTemplate && view.kind(file) === 'file') addPlaybook(file);
    if (!known.isTemplate) return;
    for (const [, one] of listing(path.resolve(folder, known.folder))) {
      const isFitting = typeof one === 'string' && [one, path.relative(folder, one)].some(known.mayBe);
      if (isFitting && isReadAsYaml(one) && isPlaybook(read(one).content)) addPlaybook(one);
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
    if (playbooks.has(file)) return;
    playbooks.add(file);
    const playbook = path.dirname(file);
    addFile(file, { playbook });
    for (const one of FOLDERS_BESIDE_PLAYBOOK) addFolder(path.join(playbook, one), { playbook });
  }

  function addInventory(file: string, playbook: string): void {
    const isFolder = view.kind(file) === 'folder';
    const folder = isFolder ? file : path.dirname(file);
    if (isFolder) addFolder(file, { playbook }, isLeftOutOfInventory);
    else addFile(file, { playbook });
    const names = isFolder ? view.names(file).filter((name) => !isLeftOutOfInventory(name)) : [path.basename(file)];
    addReferences(iniValues(view, folder, names), folder, { playbook });
    for (const one of ['group_vars', 'host_vars']) addFolder(path.join(folder, one), { playbook });
  }

  return {
    addPlaybook,
    addInventory,
    addFolder: (folder) => addFolder(folder),
    addValues: (values, playbook) => addReferences(values, playbook, { playbook }),
    files: () => files,
    dottedNames: () => dotted,
  };
}
