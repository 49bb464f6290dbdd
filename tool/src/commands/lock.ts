import { join } from 'node:path';
import type { LayerId } from '../config/layer.ts';
import { LOCK_FILE, type LockEntry } from '../config/lock.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { lockDifferences } from '../plan/drift.ts';
import { openRecords } from '../records/record-store.ts';
import { entriesNow } from '../run/lock-entries.ts';
import { readLock, writeLock } from '../run/lock-file.ts';
import type { CommandRun } from './command.ts';
import { hostSuite } from './machine-facts.ts';
import { loadNamed } from './named-layers.ts';
import { imageAsker } from './outside.ts';

/**
 * Writes what the outside is at this moment into layers.lock, for the selected layers. `--check` writes nothing: 3 when that would change it.
 * 1 when something could not be asked; what could is written all the same.
 */
export const run: CommandRun = async (context) => {
  const { graph, tree, stateDir, named } = await loadNamed(context);
  const lock = await readLock(tree.root);
  const records = openRecords(stateDir);
  const record = (id: LayerId) => {
    const stored = records.read(id);
    return stored.kind === 'record' ? stored.record : undefined;
  };
  const known = { record, entry: (id: LayerId) => lock?.get(id), ...suiteOfHost() };
  const imageNow = imageAsker(context, tree.root, graph);
  const asking = { graph, env: context.env, signal: context.signal, imageNow };
  const { entries, problems, notes } = await entriesNow(named, known, asking);
  for (const { id, message } of [...notes, ...problems]) context.warn(`${LOCK_FILE}: ${id}: ${message}`);
  const changes = new Map<string, LockEntry | undefined>(entries);
  // Only who locks everything means to be rid of what is left of layers that are gone.
  if (context.positionals.length === 0) for (const id of goneFrom(lock, graph)) changes.set(id, undefined);
  const lines = [...changes].flatMap(([id, entry]) => linesOf(id, lock?.get(id), entry));
  for (const line of lines) context.print(line);
  const checks = context.values.check === true;
  const isWritten = !checks && (await writeLock(tree.root, changes, join(stateDir, 'locks')));
  context.print(conclusion(isWritten, lines.length > 0 || lock === undefined, entries.size));
  if (problems.length > 0) return 1;
  return checks && (lines.length > 0 || lock === undefined) ? 3 : 0;
};

function linesOf(id: string, before: LockEntry | undefined, now: LockEntry | undefined): string[] {
  if (now === undefined) return [`${id}: not in the tree any more`];
  if (before === undefined) return [`${id}: new`];
  return lockDifferences(before, now).map((line) => `${id}: ${line}`);
}

function goneFrom(lock: ReadonlyMap<string, LockEntry> | undefined, graph: LayerGraph): string[] {
  return [...(lock?.keys() ?? [])].filter((id) => !graph.layers.has(id as LayerId));
}

function conclusion(isWritten: boolean, differs: boolean, count: number): string {
  if (isWritten) return `${LOCK_FILE} written`;
  if (differs) return `${LOCK_FILE} is not what the outside is now`;
  return `${LOCK_FILE} is what the outside is now (${count} ${count === 1 ? 'layer' : 'layers'})`;
}

function suiteOfHost(): { readonly suite?: string } {
  const { hostSuite: suite } = hostSuite();
  return suite === undefined ? {} : { suite };
}
