import { tmpdir } from 'node:os';
import type { Layer, LayerId } from '../config/layer.ts';
import { resolveSource } from '../inputs/copyfiles.ts';
import type { LayerRecord } from '../recipe/record.ts';
import { openRecords } from '../records/record-store.ts';
import { outdatedLines } from '../report/outdated-text.ts';
import { hasMoved, outdatedLayers, packagesInside, recordedTools } from '../run/outdated.ts';
import { openThrowaway, type Throwaway } from '../run/throwaway.ts';
import type { HeldLock } from '../system/lock.ts';
import type { Workspace } from '../system/workspace.ts';
import type { CommandContext, CommandRun } from './command.ts';
import { loadNamed } from './named-layers.ts';
import { imageAsker } from './outside.ts';

/** What moved outside since the layers were built, packages by name where their manager can tell. Changes nothing. `--exit-code`: 3 when something moved. */
export const run: CommandRun = async (context) => {
  const { graph, tree, stateDir, named } = await loadNamed(context);
  const records = openRecords(stateDir);
  const recordOf = (id: LayerId) => {
    const stored = records.read(id);
    return stored.kind === 'record' ? stored.record : undefined;
  };
  const { enterUserNamespace } = await import('./enter-user-namespace.ts');
  enterUserNamespace(context);
  const opened = opener(context, tree.root, stateDir);
  try {
    const imageNow = imageAsker(context, tree.root, graph);
    const asking = { graph, env: context.env, signal: context.signal, imageNow };
    const packagesOf = async (layer: Layer, record: LayerRecord) => {
      const throwaway = await opened.open();
      const resolve = (file: string) => resolveSource(tree.root, layer.file, file);
      const toolsOf = (workspace: Workspace) => recordedTools(layer, record, { graph, recordOf }, workspace);
      return packagesInside(layer, record, { throwaway, resolve, toolsOf });
    };
    const { layers, problems } = await outdatedLayers(named, recordOf, asking, packagesOf);
    for (const problem of problems) context.warn(`warning: ${problem}`);
    if (context.values.json === true) context.print(JSON.stringify({ version: 1, layers }));
    else for (const line of outdatedLines(layers)) context.print(line);
    return context.values['exit-code'] === true && layers.some(hasMoved) ? 3 : 0;
  } finally {
    await opened.close();
  }
};

/** Containers are made only when a layer has to be looked into. */
function opener(
  context: CommandContext,
  root: string,
  stateDir: string,
): { open(): Promise<Throwaway>; close(): Promise<void> } {
  const { env, signal, forced } = context;
  let opened: Throwaway | undefined;
  let storage: HeldLock | undefined;
  return {
    async open() {
      if (opened !== undefined) return opened;
      const { knownIsolation } = await import('../run/known-isolation.ts');
      const { createExec } = await import('../system/exec.ts');
      const isolation = await knownIsolation(stateDir, createExec({ env, signal }), env);
      const { holdStorage } = await import('./hold-storage.ts');
      // An image that is looked into stays until that is over.
      storage = (await holdStorage(context, { root, stateDir }, createExec({ env, signal })))?.lock;
      const lockFds = storage === undefined ? [] : [storage.fd];
      const place = { root, environment: env, isolation, signal, forced };
      const throwaway = openThrowaway(place, stateDir, env.TMPDIR || tmpdir());
      opened = { ...throwaway, workspace: (id) => throwaway.workspace(id, lockFds) };
      return opened;
    },
    async close() {
      await opened?.[Symbol.asyncDispose]();
      storage?.release();
    },
  };
}
