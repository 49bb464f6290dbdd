import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { CommandContext } from '../../tool/src/commands/command.ts';
import { prepare } from '../../tool/src/commands/prepare.ts';
import { destinationsOf } from '../../tool/src/config/destinations.ts';
import type { Layer } from '../../tool/src/config/layer.ts';
import { sharedPlaceOf } from '../../tool/src/config/shared-place.ts';
import { candidatesOf } from '../../tool/src/plan/candidates.ts';
import { decideNow } from '../../tool/src/plan/plan.ts';
import { hashOf } from '../../tool/src/recipe/canonical.ts';
import type { InputSet } from '../../tool/src/recipe/input-set.ts';
import { labelsOf } from '../../tool/src/recipe/labels.ts';
import { publishKeyOf, publishRecipeOf } from '../../tool/src/recipe/publish-key.ts';
import type { ContentDigest, RecipeParent } from '../../tool/src/recipe/recipe.ts';
import type { LayerRecord } from '../../tool/src/recipe/record.ts';
import { readLayerInputs, setRecord } from '../../tool/src/run/gather-facts.ts';
import { plainEnvironment } from './measure.ts';

const DRIVER = 'overlay';

/**
 * Makes a synthetic tree look as if all of it had been built: records by the tool's own functions, so that their keys are right, and
 * empty folders where a container storage has its images. Nothing was: a build with anything to do would fail. Throws where a
 * layer is not in line afterwards.
 */
export async function pretendBuilt(root: string, { isShared } = { isShared: true }): Promise<void> {
  const { graph, facts, wish, records, reader } = await prepareIn(root);
  const graphRoot = path.join(root, '.storage');
  for (const id of graph.order) {
    const layer = graph.layers.get(id) as Layer;
    const parent = parentOf(graph.parents.get(id), facts.records);
    const inputSet = layer.options.layer_type === 'ansible' ? inputSetOf(layer) : undefined;
    const files = inputSet === undefined ? {} : (await reader.ofSet(layer, inputSet)).files;
    // As a plan would find it, with the set of a run that it knows.
    const known = inputSet === undefined ? facts : { ...facts, candidates: everyProbe([{ set: inputSet, files }]) };
    const made = candidatesOf(layer, { parent }, known).candidates[0];
    if (made === undefined) throw new Error(`${id}: no recipe`);
    const record = recordOf(layer, made, graphRoot, isShared);
    await records.write(record);
    mkdirSync(path.join(graphRoot, `${DRIVER}-images`, record.image.local?.id ?? ''), { recursive: true });
    setRecord(facts, record);
    await readLayerInputs({ reader, warn: () => {} }, facts, layer);
    const { action, reasons } = decideNow(graph, id, facts, wish, new Map());
    if (action !== 'nothing') throw new Error(`${id} is not in line: ${action}, ${reasons[0]?.text}`);
  }
}

/** A tree and all that its records say. */
export function prepareIn(root: string): ReturnType<typeof prepare> {
  return prepare(contextIn(root), []);
}

type Facts = Awaited<ReturnType<typeof prepare>>['facts'];

/** The same candidates whatever is asked. */
function everyProbe(
  candidates: readonly { readonly set: InputSet; readonly files: Readonly<Record<string, string>> }[],
) {
  return { get: () => candidates } as unknown as Facts['candidates'];
}

function parentOf(
  link: { readonly kind: string; readonly id?: string } | undefined,
  records: Facts['records'],
): RecipeParent {
  if (link?.kind !== 'layer') return { kind: 'scratch' };
  return { kind: 'layer', content: records.get(link.id as never)?.content as ContentDigest };
}

function recordOf(
  layer: Layer,
  { recipe, key, set }: ReturnType<typeof candidatesOf>['candidates'][number],
  graphRoot: string,
  isShared: boolean,
): LayerRecord {
  const content = `sha256:${hashOf(`content of ${layer.id}`)}` as ContentDigest;
  const at = '2026-01-01T00:00:00.000Z';
  const place = isShared ? sharedPlaceOf(layer, '') : undefined;
  const publications = destinationsOf(layer).map((destination) => {
    const published = publishRecipeOf(content, destination, labelsOf(layer));
    const publication = { recipe: published, publishKey: publishKeyOf(published), references: [], bytes: 0, at };
    return [destination.key, { ...publication, durationMs: 1000 }] as const;
  });
  return {
    version: 2,
    id: layer.id,
    recipe,
    recipeKey: key,
    content,
    image: {
      local: { id: hashOf(`image of ${layer.id}`), graphRoot, driver: DRIVER, size: 200_000_000 },
      ...(place !== undefined && {
        shared: { place, digest: `sha256:${hashOf(`manifest of ${layer.id}`)}`, size: 1 },
      }),
    },
    inheritedLabels: {},
    builtAt: at,
    lastBuiltAt: at,
    durationMs: 60_000,
    repositories: {},
    ...(set && { inputSet: set }),
    publications: Object.fromEntries(publications),
  };
}

/** What a run of such a layer reads, lists and looks for in vain; a real role has about 70 of the last. */
function inputSetOf({ options }: Layer): InputSet {
  const role = `playbooks/roles/${options.name.replace('layer', 'role')}`;
  const parts = ['handlers', 'vars', 'defaults', 'meta'].map((part) => `${role}/${part}`);
  const names = ['', '.yml', '.yaml', '.json'];
  const absent = [
    'group_vars/all',
    'inventory/group_vars/all',
    'inventory/host_vars/nodes',
    ...parts.map((one) => `${one}/main`),
  ];
  return {
    version: 2,
    read: [
      'inventory/group_vars/nodes.yaml',
      'inventory/hosts.yaml',
      `playbooks/${options.name}.yaml`,
      `${role}/tasks/main.yaml`,
      `${role}/templates/a.j2`,
    ],
    probed: [...absent.flatMap((one) => names.map((name) => one + name)), `${role}/tasks/main.yml`].sort(),
    listed: ['inventory', 'inventory/group_vars'],
  };
}

function contextIn(root: string): CommandContext {
  const never = new AbortController().signal;
  return {
    argv: ['plan', '--all'],
    cwd: root,
    env: plainEnvironment(),
    options: {},
    values: { all: true, cache: 'off' },
    positionals: [],
    print: () => {},
    warn: (text) => void process.stderr.write(`${text}\n`),
    stdout: process.stdout,
    stderr: process.stderr,
    signal: never,
    forced: never,
  };
}
