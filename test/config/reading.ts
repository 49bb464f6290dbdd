import type { Diagnostic } from '../../tool/src/config/diagnostic.ts';
import type { Layer } from '../../tool/src/config/layer.ts';
import { type ParsedLayer, parseLayer } from '../../tool/src/config/parse-layer.ts';
import { readTree } from '../../tool/src/config/read-tree.ts';

/** The start of a base layer that has no problems, to hang more on: five lines. */
export const BASE = `options:
  layer_type: base
  name: base
  pkg_manager: apt
  publish_local: true
`;

export const ANSIBLE = `options:
  layer_type: ansible
  name: compute
  parent: base
  playbooks: site.yaml
  publish_local: true
`;

export const read = (text: string): ParsedLayer => parseLayer(text, { file: 'layers/x.yaml', id: 'x' });

/** A layer that must be valid. */
export function layerOf(text: string): Layer {
  const { layer, diagnostics } = read(text);
  if (layer === undefined) throw new Error(shown(diagnostics).join('\n'));
  return layer;
}

/** `line:column code` for errors, `line:column code?` for warnings. */
export const problems = (text: string): string[] => codes(read(text).diagnostics);

export function codes(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ range, code, severity }) => {
    return `${range?.line ?? '-'}:${range?.column ?? '-'} ${code}${severity === 'warning' ? '?' : ''}`;
  });
}

const shown = (diagnostics: readonly Diagnostic[]): string[] =>
  diagnostics.map(
    ({ file, range, code, message, hint }) => `${file}:${range?.line}:${range?.column} ${code} ${message} (${hint})`,
  );

export const messages = (text: string): string[] =>
  read(text).diagnostics.map(({ message, hint }) => (hint === undefined ? message : `${message}; ${hint}`));

/** A tree from texts; ids are the names of the files. */
export function treeOf(files: Readonly<Record<string, string>>, settingsText?: string) {
  return readTree({
    root: '/tree',
    ...(settingsText === undefined ? {} : { settingsText }),
    files: Object.entries(files).map(([id, text]) => ({ path: `layers/${id}.yaml`, text })),
  });
}
