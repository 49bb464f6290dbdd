import path from 'node:path';
import type { AnsibleConfig } from './ansible-config.ts';
import { isLeftOut, SEARCHED_FOLDERS } from './ansible-folders.ts';
import { type DiskPath, printable } from './names.ts';
import type { TreeView } from './tree-view.ts';

/** Whose relative paths are looked for, and where: folders of the playbook and of the role. */
export interface Context {
  readonly playbook: string;
  readonly role?: string;
}

/** What a scan is told. */
export interface ScanSettings {
  readonly root: string;
  readonly config: AnsibleConfig;
  /** Folders that `inventory_dir` may be. */
  readonly inventoryFolders: readonly string[];
  /** Gives undefined for what it cannot read; then all files around count. */
  parse(text: string): unknown;
}

/** Where a relative path in a file of `folder` is looked for. */
export function basesOf(folder: string, { playbook, role }: Context): string[] {
  const searched = [playbook, ...(role === undefined ? [] : [role])];
  const bases = searched.flatMap((base) => SEARCHED_FOLDERS.map((one) => path.join(base, one)));
  return [...new Set([folder, ...bases])];
}

/** What is copied or filled in is no YAML of Ansible's, whatever its name. `below` starts with a slash or with a name. */
export function isData(below: string): boolean {
  return /(^|\/)(files|templates)\//.test(below);
}

/** Whether Ansible reads the file as YAML: by its ending, or a variable file without one. */
export function isReadAsYaml(file: string): boolean {
  return /\.ya?ml$/i.test(file) || /\/(group|host)_vars\/(.*\/)?[^./]+$/.test(file);
}

/** A list of plays: nothing but `import_playbook` and the command line takes one. */
export function isPlaybook(content: unknown): boolean {
  return [content].flat(2).some((one) => typeof one === 'object' && one !== null && isPlay(one));
}

function isPlay(one: object): boolean {
  return 'hosts' in one || Object.keys(one).some((key) => /^(ansible\.builtin\.)?import_playbook$/.test(key));
}

/** Values in those files of an inventory that are in INI's form: `host key=value` and `key = value`. */
export function iniValues(view: TreeView, folder: string, names: readonly string[]): string[] {
  const files = names.map((name) => path.join(folder, name));
  const texts = files
    .filter((file) => !isReadAsYaml(file) && view.kind(file) === 'file')
    .map((file) => view.text(file));
  const assignment = /(?:^|[ \t])[\w.-]+[ \t]*=[ \t]*(?:"([^"\n]*)"|'([^'\n]*)'|([^\s#]+))/gm;
  const matches = texts.flatMap((text) => [...(text ?? '').matchAll(assignment)]);
  return matches.map(([, double, single, plain]) => double ?? single ?? plain ?? '');
}

/** A YAML file, read once. */
export function createReader(view: TreeView, parse: (text: string) => unknown): (file: string) => ReadYaml {
  const known = new Map<string, ReadYaml>();
  return (file) => {
    const before = known.get(file);
    if (before !== undefined) return before;
    const text = view.text(file);
    const found = { text: text ?? '', content: text === undefined ? undefined : parse(text) };
    known.set(file, found);
    return found;
  };
}

interface ReadYaml {
  readonly text: string;
  /** Undefined where it cannot be told. */
  readonly content: unknown;
}

/** Files below a folder by their path below it, listed once; what tools keep beside the sources is left out. */
export function createListings(view: TreeView): (folder: string) => ReadonlyMap<string, DiskPath> {
  const known = new Map<string, ReadonlyMap<string, DiskPath>>();
  return (folder) => {
    const listed = known.get(folder);
    if (listed !== undefined) return listed;
    const isTools = (name: string) => isLeftOut(name) || name === '.layers' || name === 'node_modules';
    const files = view.kind(folder) === 'folder' ? view.filesBelow(folder, isTools) : [];
    const start = printable(folder).length + 1;
    const listing = new Map(files.map((file) => [printable(file).slice(start), file]));
    known.set(folder, listing);
    return listing;
  };
}
