import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { destinationsOf } from '../../tool/src/config/destinations.ts';
import type { Layer } from '../../tool/src/config/layer.ts';
import { labelsOf } from '../../tool/src/recipe/labels.ts';
import { publishKeyOf, publishRecipeOf } from '../../tool/src/recipe/publish-key.ts';
import { probeKeyOf } from '../../tool/src/recipe/recipe.ts';
import { annotationsOf, publicationAnnotations } from '../../tool/src/records/build-document.ts';
import { inputSetsTagOf, keyTagOf } from '../../tool/src/records/key-tag.ts';
import { INPUT_SETS_TYPE, putDocument } from '../../tool/src/records/registry-document.ts';
import { OCI_MANIFEST } from '../../tool/src/system/registry/manifest.ts';
import { Registries } from '../../tool/src/system/registry/registries.ts';
import type { Repository } from '../../tool/src/system/registry/repository.ts';
import { registryAccess } from '../../tool/src/system/registry-options.ts';
import { startRegistry } from '../services/registry.ts';
import type { Bench, Table } from './bench.ts';
import { prepareIn, pretendBuilt } from './built-tree.ts';
import { measure } from './measure.ts';
import { LAYERS, NODE_ALONE } from './places.ts';
import { makeSyntheticTree } from './synthetic-tree.ts';

const LAYERS_OF_THE_TREE = 500;
const DEEP = 20;

/**
 * A machine without any state in front of a tree that others built: every layer's key tag, every Ansible layer's input sets and what every
 * destination holds are asked of a real registry on loopback.
 */
export const freshMachine: Bench = {
  name: 'fresh-machine',
  isSlow: true,
  async run({ runs }): Promise<Table[]> {
    const folder = mkdtempSync(path.join(tmpdir(), 'layers-bench-fresh-'));
    const registry = await startRegistry(path.join(folder, 'registry'));
    try {
      const root = path.join(folder, 'tree');
      makeSyntheticTree(root, LAYERS_OF_THE_TREE, { deep: DEEP, registry: registry.host });
      await pretendBuilt(root);
      await share(root);
      const forget = () => rmSync(path.join(root, '.layers'), { recursive: true, force: true });
      const command = {
        name: 'layers build --all, no state',
        argv: [LAYERS, 'build', '--all'],
        cwd: root,
        before: forget,
      };
      const figures = measure([NODE_ALONE, command], Math.min(runs, 5));
      return [{ title: `a fresh machine, ${LAYERS_OF_THE_TREE} layers ${DEEP} deep, all built by others`, figures }];
    } finally {
      await registry.end();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Puts what the records say into the registry: images of one empty layer, as only their manifests are read. */
async function share(root: string): Promise<void> {
  const { graph, facts } = await prepareIn(root);
  const registries = new Registries(process.env);
  for (const [id, layer] of graph.layers) {
    const record = facts.records.get(id);
    const [destination] = destinationsOf(layer as Layer);
    if (record === undefined || destination?.kind !== 'registry') throw new Error(`${id} is not published`);
    const { registry_opts_push: words } = layer.options;
    const repository = registries.repository(destination.repository, registryAccess(words, root), { effort: 'work' });
    await putImage(repository, keyTagOf(record.recipeKey), annotationsOf(record));
    const publishKey = publishKeyOf(publishRecipeOf(record.content, destination, labelsOf(layer)));
    const wanted = { contentDigest: record.content, recipeKey: record.recipeKey, publishKey };
    for (const tag of destination.tags) await putImage(repository, tag, publicationAnnotations(wanted));
    if (record.inputSet === undefined) continue;
    const key = probeKeyOf(record.recipe, {});
    await putDocument(repository, inputSetsTagOf(key), INPUT_SETS_TYPE, { key, sets: [record.inputSet] });
  }
}

async function putImage(repository: Repository, tag: string, annotations: Record<string, string>): Promise<void> {
  const bytes = Buffer.from('{}');
  const digest = await repository.putBlob(bytes);
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: bytes.length };
  const layers = [{ mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: bytes.length }];
  const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers, annotations };
  await repository.putManifest(tag, OCI_MANIFEST, Buffer.from(JSON.stringify(manifest)));
}
