import path from 'node:path';
import { isLeftOut } from './ansible-folders.ts';
import { basesOf, type Context, isData, isPlaybook, isReadAsYaml } from './ansible-places.ts';
import type { PathReference } from './ansible-references.ts';
import { fillIn, type KnownText } from './ansible-template.ts';
import type { DiskPath } from './names.ts';
import { expandPattern, isPattern } from './source-glob.ts';
import type { TreeView } from './tree-view.ts';

interface Tools {
  readonly view: TreeView;
  readonly root: string;
  readonly inventoryFolders: readonly string[];
  listing(folder: string): ReadonlyMap<string, DiskPath>;
  contentOf(file: string): unknown;
  addFile(file: DiskPath, context?: Context): void;
  addFolder(folder: string, context?: Context): void;
}

type AddPath = (reference: PathReference, folder: string, context: Context) => void;

/** Adds what a string of a file in `folder` may name: files, folders, globs, and templates that are only known later. */
export function createPathScan(tools: Tools): AddPath {
  const { view, root, inventoryFolders, listing, contentOf, addFile, addFolder } = tools;
  const disk = { names: view.names, isThere: (file: string) => view.kind(file) !== undefined };

  function addKnown(known: KnownText, reference: PathReference, folder: string, context: Context): void {
    const { isPath, isLocal, mayBeFolder } = reference;
    const bases = basesOf(folder, context);
    const isAbsolute = path.isAbsolute(known.text);
    // An absolute path is most often one inside the image.
    const near = [root, ...inventoryFolders, ...bases];
    if (isAbsolute && !isLocal && !near.some((base) => known.text.startsWith(`${base}/`))) return;
    const starts = isAbsolute ? ['/'] : bases;
    if (known.isTemplate && known.folder !== '') {
      for (const base of starts) addFound(path.join(base, known.folder), context, 'any');
    } else if (known.isTemplate) addLater(known, isPath, folder, context);
    else {
      for (const base of starts) addFound(path.join(base, known.text), context, folderKind(isPath, mayBeFolder));
      // One character of every name is too little to mean a glob.
      const isGlob = isPattern(known.text) && (isPath || /\w/.test(known.text));
      for (const base of isGlob ? starts : []) {
        for (const file of expandPattern(path.join(base, known.text), disk)) addFound(file, context, 'none');
      }
    }
  }

  function addFound(file: string, context: Context, folders: 'any' | 'inside' | 'none'): void {
    const kind = view.kind(file);
    if (kind === 'file') addFile(file, context);
    if (kind !== 'folder' || folders === 'none') return;
    const folder = path.normalize(file).replace(/(.)\/$/, '$1');
    // `../{{ name }}` does not mean the whole tree.
    const isAbove = `${context.playbook}/`.startsWith(path.join(folder, '/'));
    if (isAbove && folders === 'any') addFilesIn(folder, context, () => true);
    if (!isAbove && (folders === 'any' || folder.startsWith(`${root}/`))) addFolder(folder, context);
  }

  /** A template that starts with what is not known. */
  function addLater(known: KnownText, isPath: boolean, folder: string, context: Context): void {
    const isInFolder = known.literal.includes('/');
    if (isPath && !isInFolder) addNamedLater(known, folder, context);
    // Elsewhere, only what looks like a path: `{{ dir }}/ca.pem`.
    else if (isPath || /^\S*\/[^/\s]+$/.test(known.literal)) {
      for (const top of new Set([context.playbook, ...inventoryFolders])) addFitting(top, known, context);
    }
  }

  function addNamedLater(known: KnownText, folder: string, context: Context): void {
    const tops = [folder, context.playbook, context.role];
    for (const base of basesOf(folder, context)) {
      if (tops.includes(base)) addFilesIn(base, context, known.mayBe);
      else addFitting(base, known, context);
    }
  }

  function addFitting(top: string, known: KnownText, context: Context): void {
    for (const [below, file] of listing(top)) {
      if (known.mayHold(below)) addFile(file, isData(`${path.basename(top)}/${below}`) ? undefined : context);
    }
  }

  function addFilesIn(folder: string, context: Context, mayBe: (name: string) => boolean): void {
    for (const name of view.names(folder)) {
      const file = path.join(folder, name);
      if (isLeftOut(name) || !mayBe(name) || view.kind(file) !== 'file') continue;
      // Other playbooks beside it are neither tasks nor variables.
      if (!isReadAsYaml(file) || !isPlaybook(contentOf(file))) addFile(file, context);
    }
  }

  return (reference, folder, context) => {
    const { text } = reference;
    const isByInventory = text.includes('inventory_dir') && inventoryFolders.length > 0;
    for (const inventory_dir of isByInventory ? inventoryFolders : [undefined]) {
      const known = { playbook_dir: context.playbook, role_path: context.role, inventory_dir };
      addKnown(fillIn(text, known), reference, folder, context);
    }
  };
}

function folderKind(isPath: boolean, mayBeFolder: boolean): 'any' | 'inside' | 'none' {
  if (isPath) return 'any';
  return mayBeFolder ? 'inside' : 'none';
}
