import { architectureOf } from '../config/architectures.ts';
import type { Machine } from '../graph/builds-here.ts';
import type { LayerGraph } from '../graph/layer-graph.ts';
import { emulatedProcessors } from '../system/emulators.ts';
import type { CommandContext } from './command.ts';
import { machineArchitecture, nativeArchitectures } from './machine-facts.ts';

const NEEDS =
  'emulation needs qemu in /proc/sys/fs/binfmt_misc with flag F (Debian: apt-get install qemu-user-static binfmt-support)';

/** A machine, and what would make it build more. */
export interface BuilderHere extends Machine {
  readonly emulation: string;
}

/** This machine. `emulate`: whether what it has emulators for is built as well. A tree without `architectures` asks nothing. */
export function builderHere(graph: LayerGraph, env: CommandContext['env'], emulate: boolean): BuilderHere {
  const architecture = machineArchitecture(env);
  const isPlain = [...graph.layers.values()].every((layer) => layer.architecture === undefined);
  if (isPlain) return { architecture, builds: new Set([architecture]), emulation: '' };
  const builds = new Set([
    ...nativeArchitectures(env),
    ...(emulate ? emulatedProcessors().map((name) => architectureOf(name) ?? name) : []),
  ]);
  return { architecture, builds, emulation: emulate ? NEEDS : `--emulate builds them here; ${NEEDS}` };
}

/** For who only plans: as if this machine built all of a graph. */
export function buildingAll(graph: LayerGraph, machine: BuilderHere): BuilderHere {
  const wanted = [...graph.layers.values()].flatMap(({ architecture }) => architecture ?? []);
  return { ...machine, builds: new Set([...machine.builds, ...wanted]) };
}
