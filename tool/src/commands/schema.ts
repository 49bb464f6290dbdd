import { formatJson } from '../config/format-json.ts';
import { layerFileJsonSchema, settingsJsonSchema } from '../config/json-schema.ts';
import { layerFileDocs, settingsDocs } from '../config/reference-docs.ts';
import type { CommandRun } from './command.ts';

/** Prints the JSON Schema of a layer file (or of layers.yaml with `--settings`), or with `--docs` the reference in Markdown. */
export const run: CommandRun = async ({ values, print }) => {
  const settings = values.settings === true;
  if (values.docs === true) print((settings ? settingsDocs() : layerFileDocs()).trimEnd());
  else print(formatJson(settings ? settingsJsonSchema() : layerFileJsonSchema()).trimEnd());
  return 0;
};
