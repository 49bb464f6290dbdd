import type { Layer, LayerId, LayerPlaces } from '../config/layer.ts';
import { nearest } from '../config/nearest.ts';
import { fileIdOf } from '../graph/architectures.ts';
import { type ExternalImage, externalKey } from '../graph/external-image.ts';
import type { ImageLink, LayerGraph, ParentLink } from '../graph/layer-graph.ts';
import { parseReference } from '../graph/reference.ts';
import { CommandFailure } from '../system/command.ts';
import { lastLine } from '../system/registry/program-errors.ts';

/** Where images are named: layer file and place in it, by the file's id. */
export type Places = ReadonlyMap<LayerId, LayerPlaces>;

/** Who was asked has no such image: said by us, of a layout or of a list of images, not by a program. */
export class NotThere extends Error {
  override readonly name = 'NotThere';
}

export class NoLayout extends NotThere {
  constructor(directory: string) {
    super(`there is no image layout in ${directory}`);
  }
}

export interface ExternalFailure {
  /** Who wants which image, what was asked of whom, and what to do: one line. */
  readonly message: string;
  /** It is not there, as opposed to could not be asked for: another try gives the same. */
  readonly isCertain: boolean;
}

/** Why an image from outside the tree has no digest, in words for who wrote the layer file. Pure. */
export function externalFailure(
  image: ExternalImage,
  error: unknown,
  { graph, places = new Map() }: { readonly graph: LayerGraph; readonly places?: Places },
): ExternalFailure {
  const users = usersOf(image, graph);
  const [first] = users;
  const where = first === undefined ? '' : `${placeOf(first, places)}: `;
  const what = first?.key === 'tools_image' ? 'tools image' : 'parent';
  const more = users.length > 1 ? ` (of ${users.length} layers)` : '';
  const { why, remedy, isCertain } = explain(image, error, graph);
  return {
    message: `${where}the ${what} \`${externalKey(image)}\`${more} was not found: ${why}; ${remedy}`,
    isCertain,
  };
}

interface User {
  readonly layer: Layer;
  readonly key: 'parent' | 'tools_image';
}

function usersOf(image: ExternalImage, { layers, parents, tools }: LayerGraph): User[] {
  const isIt = (link: ParentLink | ImageLink | undefined) =>
    link?.kind === 'external' && externalKey(link) === externalKey(image);
  return [...layers].flatMap(([id, layer]): User[] => [
    ...(isIt(parents.get(id)) ? [{ layer, key: 'parent' } as const] : []),
    ...(isIt(tools.get(id)) ? [{ layer, key: 'tools_image' } as const] : []),
  ]);
}

/** `layers/base.yaml:6:16`, as far as it is known. */
function placeOf({ layer, key }: User, places: Places): string {
  const place = places.get(fileIdOf(layer) as LayerId)?.[key];
  return place === undefined ? layer.file : `${place.file}:${place.range.line}:${place.range.column}`;
}

interface Explained {
  readonly why: string;
  readonly remedy: string;
  readonly isCertain: boolean;
}

const MISSPELT = /invalid reference format/;

/** What skopeo says of a registry → what that means to us. The first that matches counts. */
const SAID: readonly (readonly [RegExp, (host: string) => Explained])[] = [
  [
    MISSPELT,
    () => ({
      why: 'that is no name of an image',
      remedy: 'names are HOST[:PORT]/PATH:TAG, in lower case',
      isCertain: true,
    }),
  ],
  [
    /manifest unknown|name unknown|repository .*not found|\b404\b/i,
    (host) => ({ why: `${host} has no such image`, remedy: 'look at its name and tag', isCertain: true }),
  ],
  [
    /unauthorized|authentication required|\b401\b|denied|\b403\b/i,
    (host) => ({
      why: `${host} has no such image, or does not show it to us`,
      remedy: `look at its name, log in (buildah login ${host}), or give registry_opts_pull: ["--authfile=FILE"]`,
      isCertain: false,
    }),
  ],
  [
    /server gave HTTP response to HTTPS client/,
    (host) => ({
      why: `${host} speaks plain HTTP`,
      remedy: 'give registry_opts_pull: ["--tls-verify=false"]',
      isCertain: false,
    }),
  ],
  [
    /x509:/,
    (host) => ({
      why: `the certificate of ${host} is not trusted here`,
      remedy: 'put its CA into the system\'s store, or give registry_opts_pull: ["--cert-dir=DIR"]',
      isCertain: false,
    }),
  ],
  [
    /no such host/,
    (host) => ({ why: `there is no host ${host}`, remedy: 'look at its name, and at the network', isCertain: false }),
  ],
  [
    /connection refused/,
    (host) => ({ why: `nothing answers at ${host}`, remedy: 'look at host and port', isCertain: false }),
  ],
];

function explain({ reference }: ExternalImage, error: unknown, graph: LayerGraph): Explained {
  const host = hostOf(reference);
  const said = error instanceof CommandFailure ? error.result.tail.join('\n') : '';
  if (error instanceof CommandFailure && error.reason === 'timeout') {
    const why = `${host ?? 'docker.io'} took the connection and gave no answer in time`;
    return { why, remedy: 'look at host and port, and at the network', isCertain: false };
  }
  const found = SAID.find(([pattern]) => pattern.test(said))?.[1](host ?? 'docker.io');
  const explained = found ?? { why: reasonOf(error, reference), ...verdictOn(error) };
  if (host !== undefined || MISSPELT.test(said)) return explained;
  const near = nearest(
    nameOf(reference),
    [...graph.layers.values()].map(({ options }) => options.name),
  );
  const meant = near === undefined ? 'the name of a layer' : `\`${near}\`, if that layer is meant,`;
  return {
    ...explained,
    remedy: `write ${meant} or the whole reference, HOST/PATH:TAG: without a host docker.io was asked`,
  };
}

function verdictOn(error: unknown): Omit<Explained, 'why'> {
  if (error instanceof NotThere) return { remedy: 'look at its name', isCertain: true };
  if (error instanceof CommandFailure)
    return { remedy: 'look at its name, and whether it can be reached', isCertain: false };
  // A full disk, a folder that is not ours, a damaged file: nothing of that is in its name.
  return { remedy: 'mend that, and try again', isCertain: false };
}

/** Undefined where the reference names none, and has no folder instead. */
function hostOf(reference: string): string | undefined {
  const { transport = '', repository = reference } = parseReference(reference) ?? {};
  if (transport !== '') return transport;
  const [first = ''] = repository.split('/');
  return repository.includes('/') && (/[.:]/.test(first) || first === 'localhost') ? first : undefined;
}

function nameOf(reference: string): string {
  return parseReference(reference)?.repository ?? reference;
}

function reasonOf(error: unknown, reference: string): string {
  if (error instanceof CommandFailure) {
    // skopeo's log line has what matters in `msg`.
    const line = lastLine(error);
    const text = /msg="((?:[^"\\]|\\.)*)"/.exec(line)?.[1]?.replaceAll('\\"', '"') ?? line;
    return error.reason === 'exit' ? text : error.message;
  }
  // As the file names it: the tree of a branch lies in a temporary folder.
  if (error instanceof NoLayout) return `there is no image layout in ${nameOf(reference)}`;
  return error instanceof Error ? error.message : String(error);
}
