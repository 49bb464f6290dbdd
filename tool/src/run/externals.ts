import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Architecture } from '../config/architectures.ts';
import type { Layer, LayerId } from '../config/layer.ts';
import type { ExternalImage } from '../graph/external-image.ts';
import { externalsOf, type LayerGraph } from '../graph/layer-graph.ts';
import { parseReference } from '../graph/reference.ts';
import { parsed, readBlob } from '../records/oci-layout.ts';
import type { Buildah } from '../system/buildah.ts';
import { CommandFailure, type Exec } from '../system/command.ts';
import { registryOptions } from '../system/registry-options.ts';
import { type ExternalFailure, externalFailure, NoLayout, NotThere, type Places } from './external-failure.ts';

/** How an answer is found: local storage first, as `buildah from` does it, then the place itself. */
export interface Asking {
  readonly root: string;
  readonly graph: LayerGraph;
  /** Where layers name the image. */
  readonly places?: Places;
  readonly exec: Exec;
  readonly buildah: Buildah;
  /** The place itself is asked, whatever local storage has under that name: to see what moved. */
  readonly outside?: boolean;
}

/** For a manifest and a configuration: skopeo itself waits for ever for a registry that takes the connection and does not answer. */
const LIMIT_MS = 30_000;

/** Digest of an external image; undefined where it cannot be found, which is told. */
export async function externalDigest(
  image: ExternalImage,
  asking: Asking,
  tell: (failure: ExternalFailure) => void,
): Promise<string | undefined> {
  try {
    return await digestOf(image, asking);
  } catch (error) {
    if (error instanceof CommandFailure && error.reason === 'cancelled') throw error;
    tell(externalFailure(image, error, asking));
    return undefined;
  }
}

async function digestOf(image: ExternalImage, asking: Asking): Promise<string> {
  const { reference, architecture } = image;
  const layout = reference.match(/^oci:([^:]+)(?::(.+))?$/);
  if (layout?.[1] !== undefined)
    return layoutDigest(resolve(asking.root, layout[1]), layout[2] ?? 'latest', architecture);
  const pinned = reference.match(/@(sha256:[0-9a-f]{64})$/);
  if (pinned?.[1] !== undefined && architecture === undefined) return pinned[1];
  const local = asking.outside === true ? undefined : await asking.buildah.inspect(reference);
  if (local !== undefined && (architecture ?? local.architecture) === local.architecture) return local.digest;
  const hasTransport = (parseReference(reference)?.transport ?? '') !== '';
  const remote = hasTransport ? reference : `docker://${reference}`;
  // `--creds` becomes an auth file, which is gone with the folder.
  const temporary = await mkdtemp(join(tmpdir(), 'layers-asking-'));
  try {
    const place = { repository: reference, temporary, root: asking.root };
    const { skopeo } = await registryOptions(pullWords(reference, asking.graph), place);
    const flags = skopeo.map((flag) => `--${flag}`);
    const inspect = async (...args: readonly string[]) => {
      const { stdout } = await asking.exec('skopeo', ['inspect', ...args, ...flags, remote], {
        quiet: true,
        totalMs: LIMIT_MS,
      });
      return stdout.trim();
    };
    if (architecture === undefined) return await inspect('--no-tags', '--format', '{{.Digest}}');
    const entry = entryFor(architecture, JSON.parse(await inspect('--raw')) as Partial<Index>);
    if (entry !== undefined) return entry.digest;
    const [digest = '', its = ''] = (await inspect('--no-tags', '--format', '{{.Digest}} {{.Architecture}}')).split(
      ' ',
    );
    if (its !== architecture) throw new NotThere(`it is an image for ${its}`);
    return digest;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** The options of the first layer that pulls it. */
function pullWords(reference: string, graph: LayerGraph): readonly string[] {
  const isChild = ([id]: [LayerId, Layer]): boolean =>
    externalsOf(graph, id).some((image) => image.reference === reference);
  const [, child] = [...graph.layers].find(isChild) ?? [];
  return child?.options.registry_opts_pull ?? [];
}

interface Index {
  readonly mediaType?: string;
  readonly manifests: readonly {
    readonly mediaType?: string;
    readonly digest: string;
    readonly platform?: { readonly architecture?: string; readonly os?: string };
    readonly annotations?: Readonly<Record<string, string>>;
  }[];
}

/** Digest that a tag of a layout names; of a list, that of its image for `architecture`. Throws where there is none. */
export async function layoutDigest(directory: string, tag: string, architecture?: Architecture): Promise<string> {
  const found = (await manifestsOf(directory)).find(
    (one) => one.annotations?.['org.opencontainers.image.ref.name'] === tag,
  );
  if (found === undefined) throw new NotThere(`the layout ${directory} has no tag ${tag}`);
  if (architecture === undefined) return found.digest;
  const inner = parsed(await readBlob(directory, found.digest)) as Partial<Index> | undefined;
  return (inner && entryFor(architecture, inner)?.digest) ?? found.digest;
}

async function manifestsOf(directory: string): Promise<Index['manifests']> {
  const file = join(directory, 'index.json');
  const text = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new NoLayout(directory) : error;
  });
  const { manifests } = (parsed(text) ?? {}) as Partial<Index>;
  if (!Array.isArray(manifests)) throw new Error(`${file} is damaged`);
  return manifests;
}

/** Undefined for what is no list of images. Throws where it has none for that architecture. */
function entryFor(architecture: Architecture, { manifests }: Partial<Index>): Index['manifests'][number] | undefined {
  if (manifests === undefined) return undefined;
  const images = manifests.filter(({ platform }) => (platform?.os ?? 'linux') === 'linux');
  const found = images.find(({ platform }) => platform?.architecture === architecture);
  if (found !== undefined) return found;
  const others = [...new Set(images.map(({ platform }) => platform?.architecture))].join(', ');
  throw new NotThere(`it has images for ${others} only`);
}
