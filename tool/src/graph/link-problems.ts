import type { Diagnostic } from '../config/diagnostic.ts';
import type { Layer, LayerId, LayerPlaces } from '../config/layer.ts';
import type { Duplicate } from './reference-index.ts';

type Places = ReadonlyMap<LayerId, LayerPlaces>;
/** Of a layer's image, before it is known where that is written. */
export type Problem = Omit<Diagnostic, 'file' | 'range'>;

/** At the place where the image is written. */
export function atKey(key: 'parent' | 'tools_image', layer: Layer, places: Places, problem: Problem): Diagnostic {
  const place = places.get(layer.id)?.[key];
  return { ...problem, ...(place ?? { file: layer.file }) };
}

export function duplicateReference({ reference, first, second }: Duplicate, places: Places): Diagnostic {
  const at = (layer: Layer) => {
    const place = places.get(layer.id);
    // The name tells the two apart; a place in layers.yaml would be the same for both.
    return place?.name?.file === layer.file ? place.name : { file: layer.file };
  };
  return {
    severity: 'error',
    code: 'duplicate-reference',
    message: `\`${second.id}\` and \`${first.id}\` both publish \`${reference}\``,
    hint: 'give one of them another name, tag or registry',
    ...at(second),
    related: [{ ...at(first), message: `\`${first.id}\` publishes it here` }],
  };
}

export function cycleProblem(cycle: readonly LayerId[], byId: ReadonlyMap<LayerId, Layer>, places: Places): Diagnostic {
  const [first] = cycle as [LayerId];
  const layer = byId.get(first) as Layer;
  if (cycle.length === 1) {
    return atKey('parent', layer, places, {
      severity: 'error',
      code: 'self-parent',
      message: `\`${first}\` is its own parent`,
      hint: onItself(layer.options.parent),
    });
  }
  return atKey('parent', layer, places, {
    severity: 'error',
    code: 'cycle',
    message: `The parents form a cycle: ${cycleText(cycle)}`,
    hint: 'let one of them stand on `scratch` or on an image from elsewhere',
    related: cycle.slice(1).map((id) => {
      const member = byId.get(id) as Layer;
      return {
        ...(places.get(id)?.parent ?? { file: member.file }),
        message: `\`${id}\` stands on \`${member.options.parent}\``,
      };
    }),
  });
}

/** Through at least one tools image. `at`: a layer whose tools image is one of the links. */
export function toolsCycleProblem(
  cycle: readonly LayerId[],
  at: LayerId,
  byId: ReadonlyMap<LayerId, Layer>,
  places: Places,
): Diagnostic {
  const message =
    cycle.length === 1
      ? `\`${at}\` is its own tools image`
      : `Layers need each other's images, as parents and for tools: ${cycleText(cycle)}`;
  return atKey('tools_image', byId.get(at) as Layer, places, {
    severity: 'error',
    code: 'cycle',
    message,
    hint: 'take an image from elsewhere, or a layer that does not stand on this one, as `tools_image`',
  });
}

function cycleText(cycle: readonly LayerId[]): string {
  const shown = cycle.length > 12 ? [...cycle.slice(0, 6), `… ${cycle.length - 11} more …`, ...cycle.slice(-5)] : cycle;
  return [...shown, cycle[0]].join(' → ');
}

/** A reference with a host is what the layer publishes itself; a bare word may be meant as the name of an image from elsewhere. */
function onItself(parent: string): string {
  const other = 'write what it is to stand on: another layer, an image from elsewhere, or `scratch`';
  return parent.includes('/')
    ? `the layer publishes \`${parent}\` itself; ${other}`
    : `${other}. Of an image from elsewhere that has the same name, the full reference: \`docker.io/library/${parent}\``;
}
