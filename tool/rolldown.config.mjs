import { defineConfig } from 'rolldown';

// CommonJS starts faster than ESM here, and the compile cache takes it (the figures are in tool/README.md). What sources
// load by `import()` becomes a chunk of its own, all in one folder: `import.meta.dirname` is the folder of the entry.
export default defineConfig({
  input: { main: 'src/main.ts', 'at-rest': 'src/commands/at-rest-entry.ts' },
  platform: 'node',
  output: {
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name]-[hash].cjs',
  },
});
