import type { Diagnostic } from '../config/diagnostic.ts';
import type { Layer, LayerId, LayerPlaces } from '../config/layer.ts';
import type { Duplicate } from './reference-index.ts';

type Places = ReadonlyMap<LayerId, LayerPlaces>;
/** Of a parent, before it is known where that is written. */
export type Problem = Omit<Diagnostic, 'file' | 'range'>;

/** At the place where the parent is written. */
export function atParent(layer: Layer, places: Places, problem: Problem): Diagnostic {
  const place = places.get(layer.id)?.parent;
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
    return atParent(layer, places, {
      severity: 'error',
      code: 'self-parent',
      message: `\`${first}\` is its own parent`,
      hint: `if an image from elsewhere is meant, write its full reference, for example \`docker.io/library/${layer.options.parent}\``,
    });
  }
  const shown = cycle.length > 12 ? [...cycle.slice(0, 6), `… ${cycle.length - 11} more …`, ...cycle.slice(-5)] : cycle;
  return atParent(layer, places, {
    severity: 'error',
    code: 'cycle',
    message: `The parents form a cycle: ${[...shown, first].join(' → ')}`,
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
