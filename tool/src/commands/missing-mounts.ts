import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Diagnostic, InvalidInput } from '../config/diagnostic.ts';
import { SETTINGS_FILE } from '../config/gather-layers.ts';
import type { Layer } from '../config/layer.ts';
import { spellLayerKey } from '../config/levels.ts';
import { find, type Located } from '../config/located.ts';
import { parseMount } from '../config/mounts.ts';
import { resolveSource } from '../inputs/copyfiles.ts';

/**
 * Throws InvalidInput where a layer that is to be built has a mount whose source is not there, with the place of each. Layers that are
 * not to be built are none of its business: an entitlement is on few machines.
 */
export async function refuseMissingMounts(root: string, layers: readonly Layer[]): Promise<void> {
  const diagnostics: Diagnostic[] = [];
  for (const layer of layers) {
    for (const text of layer.options.mounts) {
      const source = resolveSource(root, layer.file, parseMount(text)?.src ?? '');
      if ((await stat(source).catch(() => undefined)) === undefined)
        diagnostics.push(await problemOf(root, layer, text));
    }
  }
  if (diagnostics.length > 0)
    throw new InvalidInput('mounts whose sources are not there, nothing was done', { diagnostics, root });
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
