import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { formatJson } from '../../tool/src/config/format-json.ts';
import { layerFileJsonSchema, settingsJsonSchema } from '../../tool/src/config/json-schema.ts';
import { PARSER_VERSION } from '../../tool/src/config/parser-version.ts';
import { layerFileDocs, settingsDocs } from '../../tool/src/config/reference-docs.ts';

// Out of date? `vitest run --project unit reference-docs -u` in test/ writes them.
test.each([
  ['layer-file.md', layerFileDocs],
  ['layers-yaml.md', settingsDocs],
  ['layer-file.schema.json', () => formatJson(layerFileJsonSchema())],
  ['layers-yaml.schema.json', () => formatJson(settingsJsonSchema())],
])('docs/%s is what the schema says', async (file, make) => {
  await expect(make()).toMatchFileSnapshot(`../../docs/${file}`);
});

test('the schema is that of the parser version, which keys the cache of parsed layers', () => {
  const schemas = JSON.stringify([layerFileJsonSchema(), settingsJsonSchema()]);
  const schema = createHash('sha256').update(schemas).digest('hex').slice(0, 12);
  // Another schema? Raise PARSER_VERSION, or whoever upgrades keeps layers that the old one parsed.
  expect({ version: PARSER_VERSION, schema }).toMatchInlineSnapshot(`
    {
      "schema": "df1fbad639a5",
      "version": 10,
    }
  `);
});

test('keys with hyphens, and what layers.yaml may give, are no problem to editors', () => {
  const { properties } = layerFileJsonSchema() as { properties: { options: Record<string, unknown> } };
  expect(properties.options.required).toBeUndefined();
  expect(properties.options.patternProperties).toHaveProperty('^publish[-_]s3$');
  expect(properties.options.additionalProperties).toBe(false);
});
