import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { BuildFailure } from '../build/builder.ts';
import type { Diagnostic } from '../config/diagnostic.ts';
import { SETTINGS_FILE } from '../config/gather-layers.ts';
import type { Layer } from '../config/layer.ts';
import { spellLayerKey } from '../config/levels.ts';
import { find, type Located } from '../config/located.ts';
import { missingMounts } from '../inputs/missing-mounts.ts';

/** Of a layer that is to be built: mounts whose sources are not there, each with its place. */
export async function mountProblems(layer: Layer, root: string): Promise<Diagnostic[]> {
  return Promise.all(missingMounts(layer, root).map(({ text }) => problemOf(root, layer, text)));
}

/** Before the work on one layer. Throws BuildFailure. */
export async function failMissingMounts(layer: Layer, root: string): Promise<void> {
  const problems = await mountProblems(layer, root);
  const [first] = problems;
  if (first === undefined) return;
  const lines = problems.map(({ file, range, message }) => {
    return `${file}${range === undefined ? '' : `:${range.line}:${range.column}`}: ${message}`;
  });
  throw new BuildFailure(lines.join('; '), { ...(first.hint !== undefined && { hint: first.hint }) });
}

async function problemOf(root: string, layer: Layer, text: string): Promise<Diagnostic> {
  const problem = {
    severity: 'error',
    code: 'missing-mount',
    message: `The source of the mount \`${text}\` is not there`,
    hint: 'sources are absolute, or relative to the root of the tree or to the layer file',
  } as const;
  const place =
    (await placeIn(root, layer.file, 'options', text)) ?? (await placeIn(root, SETTINGS_FILE, 'defaults', text));
  if (place === undefined) return { ...problem, file: layer.file };
  const { problemAt } = await import('../config/report.ts');
  return problemAt(place, problem);
}

/** Where a file says it. YAML is loaded only now that there is a problem. */
async function placeIn(root: string, file: string, section: string, text: string): Promise<Located | undefined> {
  const { readYaml } = await import('../config/read-yaml.ts');
  let source: string;
  try {
    source = readFileSync(resolve(root, file), 'utf8');
  } catch {
    return undefined;
  }
  const { content } = readYaml({ name: file, text: source }, spellLayerKey);
  const mounts = content && find(content, [section, 'mounts']);
  const items = mounts?.kind === 'list' ? mounts.items : [mounts];
  return items.find((item) => item?.kind === 'scalar' && item.text === text);
}
