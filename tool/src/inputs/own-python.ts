import { existsSync } from 'node:fs';
import path from 'node:path';

/** `tool/ansible`, from the sources as well as from the bundle; undefined where the installation lacks it. */
export function ownPythonFolder(): string | undefined {
  for (let folder = import.meta.dirname; folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const found = path.join(folder, 'ansible');
    if (existsSync(path.join(found, 'callback_plugins', 'layers_events.py'))) return found;
  }
  return undefined;
}
