import path from 'node:path';
import { isLeftOut } from './ansible-folders.ts';
import type { NamedFile } from './named-file.ts';
import { printable } from './names.ts';
import type { TreeView } from './tree-view.ts';

/** All `a.b` of a text, some of which may be the names of collections (`ns.name.module`). */
export function dottedNames(text: string): string[] {
  return [...text.matchAll(/(?<![\w.])([a-z_]\w*\.[a-z_]\w*)/gi)].map((match) => match[1] ?? '');
}

/**
 * Files that stand for the collections that `names` mentions, and for those that they depend on: the manifest of a released one,
 * all files of one that is developed in place.
 * @param paths folders that hold `ansible_collections`, in Ansible's order
 */
export function collectionFiles(view: TreeView, paths: readonly string[], names: Iterable<string>): NamedFile[] {
  const tops = paths.map((one) => path.join(one, 'ansible_collections')).filter((one) => view.kind(one) === 'folder');
  // By listings: most names are no collection's, and looking each up would be remembered.
  const find = (namespace: string, name: string) =>
    tops.find((top) => view.names(top).includes(namespace) && view.names(path.join(top, namespace)).includes(name));
  const files: NamedFile[] = [];
  const pending = [...names];
  const done = new Set<string>();
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (done.has(next)) continue;
    done.add(next);
    const [namespace = '', name = ''] = next.split('.');
    const top = find(namespace, name);
    if (top === undefined) continue;
    const folder = path.join(top, namespace, name);
    const manifest = path.join(folder, 'MANIFEST.json');
    if (view.kind(manifest) === 'file') {
      files.push({ name: `collection:${next}`, path: manifest });
      pending.push(...dependencies(view.text(manifest) ?? ''));
    } else if (view.kind(folder) === 'folder') {
      const start = folder.length;
      for (const file of view.filesBelow(folder, isLeftOut))
        files.push({ name: `collection:${next}${printable(file).slice(start)}`, path: file });
    }
  }
  return files;
}

function dependencies(manifest: string): string[] {
  try {
    const { collection_info: info } = JSON.parse(manifest) as { collection_info?: { dependencies?: object } };
    return Object.keys(info?.dependencies ?? {});
  } catch {
    // A damaged manifest still counts as a file.
    return [];
  }
}
