import {
  appendFileSync,
  chmodSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { git } from '../inputs/input-tree.ts';
import type { Actions, EditedTree } from './edits-tree.ts';

/** What can be done to a tree; paths are relative to its root. */
export interface Editing {
  readonly outside: string;
  readonly machine: EditedTree['machine'];
  write(file: string, text: string): void;
  append(file: string, text: string): void;
  replace(file: string, text: string, by: string): void;
  remove(file: string): void;
  move(from: string, to: string): void;
  chmod(file: string, mode: number): void;
  /** In place of what is there. */
  link(file: string, target: string): void;
  folder(name: string): void;
  /** Every file and folder, those of layers and git left out; how many. */
  touchAll(): number;
  git(...args: string[]): void;
}

export interface Edit {
  edit?(at: Editing): void;
  readonly env?: Record<string, string>;
  /** Actions of the layers that do not stay as they are. */
  readonly expected: Actions;
  /** Layers that the edit takes away. */
  readonly gone?: readonly string[];
}

export const NOTHING: Actions = {};
/** The Ansible layer, and its child waits for what comes of it. */
export const SITE: Actions = { site: 'build', app: 'pending' };
/** The layer that copies files, and its child. */
export const COPIED: Actions = { files: 'build', leaf: 'pending' };

export function editsOf({ root, outside, machine }: EditedTree): Editing {
  const at = (file: string) => path.resolve(root, file);
  return {
    outside,
    machine,
    write(file, text) {
      mkdirSync(path.dirname(at(file)), { recursive: true });
      writeFileSync(at(file), text);
    },
    append: (file, text) => appendFileSync(at(file), text),
    replace(file, text, by) {
      const before = readFileSync(at(file), 'utf8');
      if (!before.includes(text)) throw new Error(`${file} does not hold ${text}`);
      writeFileSync(at(file), before.replace(text, by));
    },
    remove: (file) => rmSync(at(file), { recursive: true }),
    move(from, to) {
      mkdirSync(path.dirname(at(to)), { recursive: true });
      renameSync(at(from), at(to));
    },
    chmod: (file, mode) => chmodSync(at(file), mode),
    link(file, target) {
      rmSync(at(file), { recursive: true, force: true });
      symlinkSync(target, at(file));
    },
    folder: (name) => void mkdirSync(at(name), { recursive: true }),
    touchAll() {
      const all = readdirSync(root, { recursive: true, encoding: 'utf8' });
      const files = all.filter((file) => !/^(\.layers|\.git|out|small)(\/|$)/.test(file));
      for (const file of files) lutimesSync(at(file), new Date(), new Date());
      return files.length;
    },
    git: (...args) => void git(root, ...args),
  };
}
