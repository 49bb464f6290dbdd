import { z } from 'zod';
import { COMMAND_KEYS, COPYFILE_KEYS, REPO_KEYS, TOP_KEYS } from './keys.ts';
import { OPTION_KEYS } from './option-keys.ts';
import { layerFileSchema } from './schema.ts';
import { settingsSchema } from './settings.ts';

type Schema = { [key: string]: unknown };

/** The JSON Schema of a layer file, for editors. Keys that may come from layers.yaml are not required in it. */
export function layerFileJsonSchema(): Schema {
  return finished(layerFileSchema, 'Layer file');
}

/** The JSON Schema of layers.yaml. */
export function settingsJsonSchema(): Schema {
  return finished(settingsSchema, 'layers.yaml');
}

function finished(schema: z.ZodType, title: string): Schema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', override }) as Schema;
  return { $schema, title, ...rest };
}

/** The maps whose keys may have hyphens: told by one key that only they have. */
const HYPHENATED = [TOP_KEYS, OPTION_KEYS, REPO_KEYS, COPYFILE_KEYS, COMMAND_KEYS].map(
  (keys) => Object.keys(keys)[1] ?? '',
);

function override({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodTypes; jsonSchema: Schema }): void {
  const properties = jsonSchema.properties as { [key: string]: Schema } | undefined;
  if (properties !== undefined) {
    if (HYPHENATED.some((key) => key in properties)) allowHyphens(jsonSchema, properties);
    // Whatever layers.yaml may give, and a label may be any scalar.
    const required = (jsonSchema.required as string[] | undefined)?.filter(
      (key) => key !== 'layer_type' && key !== 'dest',
    );
    if (required !== undefined && required.length > 0) jsonSchema.required = required;
    else delete jsonSchema.required;
  }
  if (zodSchema._zod.def.type === 'record' && isText(jsonSchema.additionalProperties)) {
    jsonSchema.additionalProperties = { type: ['string', 'number', 'boolean', 'null'] };
  }
}

function allowHyphens(schema: Schema, properties: { [key: string]: Schema }): void {
  const patterns: { [pattern: string]: Schema } = {};
  for (const [key, property] of Object.entries(properties)) {
    // A pattern, not a second property: editors do not offer it.
    if (key.includes('_')) patterns[`^${key.replaceAll('_', '[-_]')}$`] = property;
    if (key === 'dest') patterns['^dst$'] = property;
  }
  if (Object.keys(patterns).length > 0) schema.patternProperties = patterns;
}

function isText(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && (schema as Schema).type === 'string';
}
