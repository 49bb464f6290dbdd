import { lstatSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { InvalidInput } from '../config/diagnostic.ts';
import { gatherLayers, layerIdOf } from '../config/gather-layers.ts';
import { parseLayer } from '../config/parse-layer.ts';
import { linkLayers } from '../graph/link.ts';
import type { CommandContext, CommandRun } from './command.ts';
import { type InitPlan, planInit } from './init-plan.ts';

const SETTINGS = `# Settings of this tree. Everything is optional; \`layers schema --settings --docs\` tells what there is.
folders:
  layers: layers
  inventory: inventory
  playbooks: playbooks
`;
const OWN: Readonly<Record<string, string>> = { 'layers.yaml': SETTINGS, '.gitignore': '.layers/\n' };

/** Makes a tree of a folder of image-build's files. What is there already is never written over. */
export const run: CommandRun = async (context) => {
  const from = context.values.from as string | undefined;
  if (from === undefined) throw new InvalidInput('--from DIR is missing', { hint: 'the folder of image-build files' });
  const folder = resolve(context.cwd, from);
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) throw new InvalidInput(`there is no folder ${from}`);
  const target = resolve(context.cwd, context.positionals[0] ?? '.');
  const plan = planInit(folder, target);
  if (plan.texts.size === 0) {
    for (const note of plan.notes) context.warn(`note: ${note}`);
    throw new InvalidInput(`${from} holds no layer files`, { hint: 'a layer file has `options` with a `layer_type`' });
  }
  refuseOverwriting(plan, target, context.cwd);
  await write(plan, target);
  const at = (name: string) => relative(context.cwd, join(target, name)) || '.';
  context.print(`${at('layers')}: ${plan.texts.size} ${plan.texts.size === 1 ? 'layer' : 'layers'} from ${from}`);
  for (const place of [...plan.copies.keys()].sort()) context.print(`copied ${at(place)}`);
  for (const change of plan.changes) context.print(`changed ${change}`);
  for (const note of plan.notes) context.warn(`note: ${note}`);
  await tellProblems(plan, context);
  context.print(`next: layers plan${target === context.cwd ? '' : ` --root ${relative(context.cwd, target)}`}`);
  return 0;
};

function refuseOverwriting({ texts, copies }: InitPlan, target: string, cwd: string): void {
  const places = [...texts.keys(), ...copies.keys(), 'layers.yaml'];
  const there = places.filter((one) => lstatSync(join(target, one), { throwIfNoEntry: false }) !== undefined);
  if (there.length === 0) return;
  const shown = there.slice(0, 5).map((one) => relative(cwd, join(target, one)));
  const more = there.length > shown.length ? ` and ${there.length - shown.length} more` : '';
  throw new InvalidInput(`${shown.join(', ')}${more} would be written over; nothing was done`, {
    hint: 'name another folder: layers init --from DIR TARGET',
  });
}

async function write({ texts, copies }: InitPlan, target: string): Promise<void> {
  for (const [place, file] of copies) {
    await mkdir(dirname(join(target, place)), { recursive: true });
    const filter = (one: string) => !/(^|\/)\.(git|layers)$/.test(one);
    await cp(file, join(target, place), { recursive: true, verbatimSymlinks: true, preserveTimestamps: true, filter });
  }
  const own = Object.entries(OWN).filter(
    ([name]) => lstatSync(join(target, name), { throwIfNoEntry: false }) === undefined,
  );
  for (const [place, text] of [...texts, ...own]) {
    await mkdir(dirname(join(target, place)), { recursive: true });
    await writeFile(join(target, place), text, { flag: 'wx' });
  }
}

/**
 * What image-build let pass and `layers` does not, and parents that may be layers of the tree under another name of their registry, which it
 * never had to know: it pulled them by that name.
 */
async function tellProblems({ texts }: InitPlan, context: CommandContext): Promise<void> {
  const parsed = [...texts].map(([file, text]) => {
    const id = layerIdOf(file, 'layers');
    return { path: file, id, ...parseLayer(text, { file, id }) };
  });
  const { layers, places, diagnostics } = gatherLayers(parsed);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const nearly = linkLayers(layers, places).diagnostics.filter(({ code }) => code === 'near-miss');
  if (errors.length + nearly.length === 0) return;
  const { formatDiagnostics } = await import('../report/diagnostics.ts');
  context.warn(formatDiagnostics([...errors, ...nearly], { sources: texts }));
  if (errors.length > 0) context.warn(`note: image-build took these ${errors.length}, layers wants them mended first`);
}
