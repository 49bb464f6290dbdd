import type { z } from 'zod';
import { checkLayer } from './check-layer.ts';
import { deepFreeze } from './deep-freeze.ts';
import type { Diagnostic } from './diagnostic.ts';
import { emptyKeys, keepsText, withoutEmpty } from './empty-keys.ts';
import type { Layer, LayerId, LayerPlaces } from './layer.ts';
import { type Leniency, mendLayer } from './lenient.ts';
import { LAYER_LEVELS, spellLayerKey } from './levels.ts';
import { find, isEmpty, type Located, overlay, toValue } from './located.ts';
import { readYaml } from './read-yaml.ts';
import { recipeSettings } from './recipe-settings.ts';
import { inOrder } from './report.ts';
import { salvage } from './salvage.ts';
import { layerFileSchema } from './schema.ts';
import { explainIssues } from './schema-issues.ts';
import { rangeOf } from './source.ts';

export interface ParsedLayer {
  /** Undefined when there is an error. */
  readonly layer?: Layer;
  /** Where the layer says what links it: for problems that show only beside other layers. */
  readonly places: LayerPlaces;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads one layer file. All problems of the file are found at once; nothing is thrown.
 * @param text the file's content
 * @param options.file path for diagnostics and `Layer.file`
 * @param options.id the layer's id
 * @param options.defaults `defaults` of layers.yaml, merged under `options`
 * @param options.lenient as image-build reads: oddities are mended with a warning
 */
export function parseLayer(
  text: string,
  options: {
    readonly file: string;
    readonly id: string;
    readonly defaults?: Located;
    readonly lenient?: Leniency;
  },
): ParsedLayer {
  const { file, id, defaults, lenient } = options;
  const source = { name: file, text };
  const { content: read, diagnostics } = readYaml(source, spellLayerKey, { lastWins: lenient !== undefined });
  // A file that is no YAML has nothing that could be mended.
  const isBroken = read === undefined && diagnostics.length > 0;
  const mended = lenient === undefined || isBroken ? undefined : mendLayer(read, source, lenient);
  const own = mended === undefined ? read : mended.content;
  diagnostics.push(...(mended?.warnings ?? []));
  const fail = (code: string, message: string, hint: string): ParsedLayer => {
    const range = rangeOf(source, { start: own?.span.start ?? 0, end: own?.span.start ?? 0 });
    return { places: {}, diagnostics: [...diagnostics, { severity: 'error', code, message, file, range, hint }] };
  };
  const start = 'begin with `options:` and, below it, `layer_type: base` or `layer_type: ansible`';
  if (own === undefined || isEmpty(own)) {
    return diagnostics.length > 0 ? { places: {}, diagnostics } : fail('empty-file', 'The file is empty', start);
  }
  if (own.kind !== 'map') return fail('not-a-map', 'A layer file must be a map of keys', start);
  const given = own.entries.get('options');
  if (given === undefined || isEmpty(given)) {
    const there = given === undefined ? 'are missing' : 'are empty';
    return fail('missing-options', `The \`options\` of the layer ${there}`, start);
  }
  const merged = merge(own, given, defaults);
  diagnostics.push(...emptyKeys(own));
  const value = toValue(withoutEmpty(merged), keepsText);
  const result = layerFileSchema.safeParse(value);
  const places = placesOf(merged);
  if (!result.success) {
    const { issues } = result.error;
    const more = [...explainIssues(issues, merged, LAYER_LEVELS), ...checkRest(merged, own, issues)];
    return { places, diagnostics: inOrder([...diagnostics, ...more]) };
  }
  diagnostics.push(...checkLayer(result.data, merged, own));
  if (diagnostics.some(({ severity }) => severity === 'error')) return { places, diagnostics: inOrder(diagnostics) };
  const layer = { ...result.data, id: id as LayerId, file, recipe: recipeSettings(result.data) };
  return { layer: deepFreeze(layer), places, diagnostics: inOrder(diagnostics) };
}

/** What is left of a file when the schema's complaints are taken out has its own problems: they are told at once. */
function checkRest(merged: Located, own: Located, issues: readonly z.core.$ZodIssue[]): Diagnostic[] {
  const rest = salvage(merged, issues);
  const result = layerFileSchema.safeParse(toValue(withoutEmpty(rest), keepsText));
  if (!result.success) return [];
  // What seems to be missing may be what was taken out.
  return checkLayer(result.data, rest, own).filter(({ code }) => !/^missing-|^no-/.test(code));
}

function merge(own: Located & { kind: 'map' }, given: Located, defaults: Located | undefined): Located {
  if (defaults === undefined) return own;
  const options = overlay(defaults, given, (key) => key === 'labels' || key === 'vars');
  return { ...own, entries: new Map(own.entries).set('options', options) };
}

function placesOf(merged: Located): LayerPlaces {
  const places: Record<string, unknown> = {};
  for (const key of [
    'name',
    'parent',
    'tools_image',
    'architectures',
    'publish_tags',
    'publish_registry',
    'publish_local',
  ] as const) {
    const place = find(merged, ['options', key]);
    if (place !== undefined) places[key] = { file: place.source.name, range: rangeOf(place.source, place.span) };
  }
  return places as LayerPlaces;
}
