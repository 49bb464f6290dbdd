import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Diagnostic } from '../config/diagnostic.ts';
import { type LayerFileEntry, listLayerFiles } from './list-layer-files.ts';

/** `folders.layers` of a tree whose layer files lie at its root, beside everything else. */
export const FLAT = '.';

/** Folders of Ansible's, whose YAML files are no layers. */
const ANSIBLES = /(^|\/)(roles|playbooks|inventory|group_vars|host_vars|collections)\//;
/** More than any layer file; what is longer is not read to find out. */
const LONGEST = 4 * 1024 * 1024;

/** Whether it is a folder of image-build's layer files: no tree, and at least one of them right in it. Reads all YAML files there. */
export function isFlatFolder(folder: string): boolean {
  try {
    const names = readdirSync(folder).filter((name) => /^[^.].*\.ya?ml$/.test(name));
    return names.some((name) => kindOf(join(folder, name)) !== 'other');
  } catch {
    return false;
  }
}

/**
 * As `listLayerFiles`, where layer files lie among other YAML files: only those that look like layer files, and a word about templates.
 * @param isApart whether a folder (absolute) is a tree of its own
 */
export function listFlatFiles(
  root: string,
  isApart: (path: string) => boolean,
): { files: LayerFileEntry[]; diagnostics: Diagnostic[] } {
  const listed = listLayerFiles(root, FLAT, isApart);
  const files: LayerFileEntry[] = [];
  const diagnostics = [...listed.diagnostics];
  for (const file of listed.files) {
    const path = file.path.replace(/^\.\//, '');
    const kind = ANSIBLES.test(path) ? 'other' : kindOf(join(root, path));
    if (kind === 'layer') files.push({ ...file, path });
    if (kind !== 'template') continue;
    const message = 'Left out: a Jinja template, which has to be rendered first';
    diagnostics.push({ severity: 'warning', code: 'skipped-file', message, file: path });
  }
  return { files, diagnostics };
}

/** For the tree without a folder of layer files: those that lie right in it are taken when layers.yaml says so. */
export function hintOfFlat(diagnostic: Diagnostic, root: string, layersFolder: string): Diagnostic {
  const isMissing = diagnostic.code === 'unreadable-folder' && diagnostic.file === layersFolder;
  if (!isMissing || !isFlatFolder(root)) return diagnostic;
  return { ...diagnostic, hint: 'layer files lie beside layers.yaml: write `folders: {layers: .}` into it' };
}

/** What a YAML file is: by the `options` with a `layer_type` in them, which nothing but a layer file has. */
export function kindOf(file: string): 'layer' | 'template' | 'other' {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? Number.POSITIVE_INFINITY) > LONGEST) return 'other';
  return kindOfText(readFileSync(file, 'utf8'));
}

/** As `kindOf`, by the content. */
function kindOfText(text: string): 'layer' | 'template' | 'other' {
  const hasOptions = /^["']?options["']?[ \t]*:/m.test(text) && /["']?\blayer[_-]type["']?[ \t]*:/.test(text);
  if (!hasOptions) return 'other';
  // `{%` at the beginning of a line, or a value that is nothing but `{{ … }}`: neither is YAML that says what it means.
  return /^[ \t]*\{[%#]/m.test(text) || /(:|-)[ \t]+\{\{/.test(text) || /^[ \t]*\{\{/m.test(text)
    ? 'template'
    : 'layer';
}
