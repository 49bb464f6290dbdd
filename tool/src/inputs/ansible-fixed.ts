import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Diagnostic } from '../config/diagnostic.ts';
import type { Layer } from '../config/layer.ts';
import { nameOf, resolveSource } from './copyfiles.ts';
import { chosenEnvironment } from './environment-inputs.ts';
import { inventoryScripts } from './inventory-scripts.ts';
import type { InputPlaces } from './layer-inputs.ts';

/**
 * What of an Ansible layer is known without running its playbooks: `inventory-script:NAME` → digest of what the script says of the
 * layer. What the layer names and is not there is added to `problems`, before any work.
 */
export async function fixedValues(
  layer: Layer,
  places: InputPlaces,
  problems: Diagnostic[],
): Promise<Readonly<Record<string, string>>> {
  const { root, env } = places;
  const problem = (code: string, message: string, hint?: string) =>
    void problems.push({ severity: 'error', code, message, file: layer.file, ...(hint && { hint }) });
  const { playbooks, inventory, ansible_vault_password_file: vault } = layer.options;
  const named = [...playbooks, ...inventory.filter((one) => !one.includes(',')), ...(vault === '' ? [] : [vault])];
  for (const file of named.map((one) => resolveSource(root, layer.file, one))) {
    if (!existsSync(file)) problem('missing-input', `${nameOf(root, file)} is not there`);
  }
  const config = env.ANSIBLE_CONFIG
    ? path.resolve(root, env.ANSIBLE_CONFIG.replace(/^~(?=\/|$)/, env.HOME ?? '~'))
    : root;
  if (!existsSync(config)) {
    const message = `ANSIBLE_CONFIG names ${env.ANSIBLE_CONFIG}, which is not there`;
    problem(
      'missing-input',
      message,
      'correct the variable or unset it; a relative path starts at the root of the tree',
    );
  }
  const scripts = inventoryScripts(layer, root);
  if (scripts.length === 0) return {};
  const { inventoryOutput } = await import('./inventory-output.ts');
  const exec = places.exec ?? (await import('../system/exec.ts')).createExec({ env });
  const asking = { root, exec, env: chosenEnvironment(layer, env), answers: places.answers ?? new Map() };
  const values: [string, string][] = [];
  for (const script of scripts) {
    try {
      values.push([`inventory-script:${script.name}`, await inventoryOutput(layer, script, asking)]);
    } catch (error) {
      problem('inventory-script', (error as Error).message);
    }
  }
  return Object.fromEntries(values);
}
